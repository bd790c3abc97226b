//! Messages that carry resources: one resource rendered around its stored text, and the ListResponse around many.
