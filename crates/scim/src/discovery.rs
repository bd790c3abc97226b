//! `/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig` (RFC 7643 sections 5 to 7, RFC 9865 section 4), from the data that drives validation.
