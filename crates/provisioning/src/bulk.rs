//! `/Bulk`: many operations in one request.
