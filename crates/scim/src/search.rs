//! A query: URL parameters of RFC 7644 section 3.4.2, the body of `/.search` (3.4.3), and cursors (RFC 9865).

use crate::{
    Profile, ScimError,
    condition::{Comparison, Condition, Target},
    filter::{self, Filter},
    path::AttributePath,
    projection::Projection,
    schema::ResourceType,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// How to sort (RFC 7644 section 3.4.2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// By which attribute. Of a multi-valued attribute the primary value counts, else the first. Where no schema describes
    /// the attribute, numbers and booleans come before texts.
    pub target: Target,
    /// `sortOrder` is `descending`.
    pub descending: bool,
}

/// Which page.
#[derive(Clone, Debug, PartialEq)]
pub enum Paging {
    /// RFC 7644 section 3.4.2.4; `start_index` is 1 or more.
    Index {
        /// 1-based.
        start_index: u64,
        /// Most resources wanted, already cut to the page limit; 0 asks for `totalResults` alone.
        count: u32,
    },
    /// RFC 9865.
    Cursor {
        /// None on the first page.
        after: Option<Position>,
        /// As above.
        count: u32,
    },
}

/// Where a cursor stands: behind the resource with this sort key and id.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Sort key of the last resource returned; none if it had none or the query is not sorted.
    pub key: Option<SortKey>,
    /// Its id.
    pub id: String,
}

/// The value a resource is sorted by.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum SortKey {
    /// Text, folded where the attribute ignores case.
    Text(String),
    /// Number, boolean (0, 1) or instant.
    Number(f64),
}

/// A query, all of its words checked.
#[derive(Clone, Debug)]
pub struct Query {
    /// What to find; none finds everything.
    pub condition: Option<Condition>,
    /// In which order; none is the order of creation.
    pub sort: Option<Sort>,
    /// Which page.
    pub paging: Paging,
    /// Which attributes.
    pub projection: Projection,
    /// Digest of tenant, resource type, filter and sort, bound into cursors (docs/adr/0004).
    pub fingerprint: [u8; 8],
}

/// Whose queries are checked, and by what.
#[derive(Clone, Copy, Debug)]
pub struct QueryScope {
    /// The id of the tenant: a cursor is of no use to another.
    pub tenant: [u8; 16],
    /// How its clients write filters.
    pub profile: Profile,
    /// Published page sizes.
    pub limits: PageLimits,
}

/// The words of a query before they are checked: from the URL or from a `SearchRequest` body.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// `filter`
    pub filter: Option<String>,
    /// `sortBy`
    pub sort_by: Option<String>,
    /// `sortOrder`
    pub sort_order: Option<String>,
    /// `startIndex`
    pub start_index: Option<String>,
    /// `count`
    pub count: Option<String>,
    /// `cursor`
    pub cursor: Option<String>,
    /// `attributes`, comma-separated
    pub attributes: Option<String>,
    /// `excludedAttributes`, comma-separated
    pub excluded_attributes: Option<String>,
}

/// Published page sizes.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Where `count` is absent.
    pub default: u32,
    /// The most.
    pub max: u32,
}

impl Words {
    /// Reads a URL query string (without `?`): percent-decoding, `+` as space; unknown keys are ignored (Entra's
    /// `aadOptscim062020` among them), but for `$filter`. Names are read in any case: Microsoft's collection sends
    /// `startindex`.
    ///
    /// # Errors
    /// 400 `invalidSyntax` if it does not decode to UTF-8 or names a parameter twice; `invalidFilter` for `$filter`.
    pub fn from_url(query: &str) -> Result<Words, ScimError> {
        let mut words = Words::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = &decode(key).unwrap_or_default();
            let Some(place) = words.place(key)? else { continue };
            if place.is_some() {
                return Err(twice(key));
            }
            *place = Some(decode(value)?);
        }
        Ok(words)
    }

    /// Reads the body of `/.search`.
    ///
    /// # Errors
    /// 400 `invalidSyntax` if it is no object, has a member of the wrong type or names one twice; `invalidFilter` for
    /// `$filter`.
    pub fn from_body(body: serde_json::Value) -> Result<Words, ScimError> {
        use serde_json::Value;
        let Value::Object(body) = body else {
            return Err(ScimError::invalid_syntax("The body must be a SearchRequest object."));
        };
        let mut words = Words::default();
        for (key, value) in body {
            let Some(place) = words.place(&key)? else { continue };
            if place.is_some() {
                return Err(twice(&key));
            }
            let wrong =
                || ScimError::invalid_syntax(format!("\"{key}\" of the SearchRequest has the wrong type."));
            *place = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                Value::Array(names) => {
                    let names =
                        names.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
                    Some(names.join(","))
                }
                _ => return Err(wrong()),
            };
        }
        Ok(words)
    }

    /// Where the word of a parameter is kept; `None` for a parameter that we do not know.
    fn place(&mut self, key: &str) -> Result<Option<&mut Option<String>>, ScimError> {
        Ok(Some(match key.to_ascii_lowercase().as_str() {
            "filter" => &mut self.filter,
            "sortby" => &mut self.sort_by,
            "sortorder" => &mut self.sort_order,
            "startindex" => &mut self.start_index,
            "count" => &mut self.count,
            "cursor" => &mut self.cursor,
            "attributes" => &mut self.attributes,
            "excludedattributes" => &mut self.excluded_attributes,
            // As OData spells it. Ignored, it would answer a search for one user with all of them.
            "$filter" => {
                return Err(ScimError::invalid_filter("The parameter is called \"filter\", without \"$\"."));
            }
            _ => return Ok(None),
        }))
    }

    /// What of a resource is returned.
    ///
    /// # Errors
    /// 400 `invalidPath`, `invalidValue`.
    pub fn projection(&self, resource_type: &ResourceType) -> Result<Projection, ScimError> {
        Projection::parse(resource_type, self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }

    /// Checks the words for a resource type.
    ///
    /// # Errors
    /// 400 with `invalidFilter`, `invalidPath`, `invalidValue`, `invalidCursor` or `invalidCount`.
    pub fn check(&self, resource_type: &ResourceType, scope: &QueryScope) -> Result<Query, ScimError> {
        let parse = |filter| Filter::parse_for(scope.profile, filter);
        let filter = self.filter.as_deref().map(parse).transpose()?;
        let condition = filter.as_ref().map(|filter| filter.resolve(resource_type)).transpose()?;
        let sort = self.sort(resource_type)?;
        let fingerprint = fingerprint(scope, resource_type, filter.as_ref(), sort.as_ref());
        let paging = self.paging(scope.limits, sort.as_ref(), &fingerprint)?;
        Ok(Query { condition, sort, paging, projection: self.projection(resource_type)?, fingerprint })
    }

    fn sort(&self, resource_type: &ResourceType) -> Result<Option<Sort>, ScimError> {
        let descending = match self.sort_order.as_deref() {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(ScimError::invalid_value("\"sortOrder\" must be ascending or descending."));
            }
        };
        let Some(by) = self.sort_by.as_deref().filter(|by| !by.is_empty()) else { return Ok(None) };
        let unsortable = || ScimError::invalid_path("\"sortBy\" names no attribute that can be sorted by.");
        let path = AttributePath::parse(by).ok_or_else(unsortable)?;
        let target = filter::resolve_target(&path, resource_type).map_err(|_| unsortable())?;
        let in_table =
            ["members", "groups"].contains(&target.attribute.as_str()) && target.extension.is_none();
        if in_table {
            return Err(unsortable());
        }
        Ok(Some(Sort { target, descending }))
    }

    fn paging(
        &self,
        limits: PageLimits,
        sort: Option<&Sort>,
        fingerprint: &[u8; 8],
    ) -> Result<Paging, ScimError> {
        let number = |name: &str, word: &str| {
            word.trim()
                .parse::<i64>()
                .map_err(|_| ScimError::invalid_value(format!("\"{name}\" must be a whole number.")))
        };
        let count = match self.count.as_deref() {
            None => Ok(limits.default),
            // Negative counts mean 0 (RFC 7644 section 3.4.2.4).
            Some(word) => number("count", word)
                .map(|count| u32::try_from(count.max(0)).unwrap_or(u32::MAX).min(limits.max)),
        };
        if let Some(cursor) = self.cursor.as_deref() {
            let count = count.map_err(|error| ScimError::invalid_count(error.detail))?;
            let after = match cursor {
                "" => None,
                cursor => Some(read_cursor(cursor, sort, fingerprint)?),
            };
            return Ok(Paging::Cursor { after, count });
        }
        let start_index = match self.start_index.as_deref() {
            None => 1,
            Some(word) => u64::try_from(number("startIndex", word)?.max(1)).unwrap_or(1),
        };
        Ok(Paging::Index { start_index, count: count? })
    }
}

fn twice(key: &str) -> ScimError {
    ScimError::invalid_syntax(format!("The parameter \"{key}\" is given twice."))
}

/// Percent-decoding, with `+` as space.
fn decode(text: &str) -> Result<String, ScimError> {
    let malformed = || ScimError::invalid_syntax("The query of the URL is not percent-encoded UTF-8.");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |at: usize| tail.get(at).and_then(|digit| char::from(*digit).to_digit(16));
                let (high, low) = digit(0).zip(digit(1)).ok_or_else(malformed)?;
                bytes.push((high << 4 | low) as u8);
                rest = &tail[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

/// Binds a cursor to its query.
fn fingerprint(
    scope: &QueryScope,
    resource_type: &ResourceType,
    filter: Option<&Filter>,
    sort: Option<&Sort>,
) -> [u8; 8] {
    let filter = filter.map(ToString::to_string).unwrap_or_default();
    let query = format!("{}\n{filter}\n{sort:?}", resource_type.name);
    let digest = Sha256::new().chain_update(scope.tenant).chain_update(query).finalize();
    let mut short = [0; 8];
    short.copy_from_slice(&digest[..8]);
    short
}

/// Prints a cursor (RFC 9865 section 2.1: opaque, unreserved characters) for the page behind `position`.
pub fn print_cursor(position: &Position, fingerprint: &[u8; 8]) -> String {
    let mut bytes = fingerprint.to_vec();
    let words = serde_json::to_vec(&(&position.id, &position.key));
    bytes.extend(words.unwrap_or_default());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor that this query gave out; its key must be of the kind that the sort compares.
fn read_cursor(cursor: &str, sort: Option<&Sort>, fingerprint: &[u8; 8]) -> Result<Position, ScimError> {
    let foreign = || {
        ScimError::invalid_cursor(
            "The cursor was not given out by this query. Begin again without a cursor value.",
        )
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
    let words = bytes.strip_prefix(fingerprint.as_slice()).ok_or_else(foreign)?;
    let (id, key): (String, Option<SortKey>) = serde_json::from_slice(words).map_err(|_| foreign())?;
    let comparison = sort.map(|sort| sort.target.comparison);
    let fits = match (&key, comparison) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(SortKey::Text(text)), Some(comparison)) => {
            !text.contains('\0')
                && matches!(
                    comparison,
                    Comparison::Folded | Comparison::UserName | Comparison::Exact | Comparison::Untyped
                )
        }
        (Some(SortKey::Number(_)), Some(comparison)) => {
            !matches!(comparison, Comparison::Folded | Comparison::UserName | Comparison::Exact)
        }
    };
    let is_id = id.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    if !fits || !is_id {
        return Err(foreign());
    }
    Ok(Position { key, id })
}
