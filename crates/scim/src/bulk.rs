//! `/Bulk` (RFC 7644 section 3.7): reading the request, resolving `bulkId` references, building the response.
