//! Tenants as operators look over them: searched, with health, last use and how much there is of each.

use crate::{
    Admin, Failure, Listed,
    health::{self, Health},
    paging,
};
use scim::{Timestamp, filter};
use std::time::Duration;
use store::{Tenant, TenantFigures, TenantId, TenantSearch, TenantState};

/// How far deleted resources are counted where many tenants stand on a page (docs/adr/0025).
const LISTED_COUNT: u64 = 10_000;
/// Most words of a search.
const MAX_WORDS: usize = 8;
/// Longest search, in characters.
const MAX_SEARCH: usize = 200;

/// Which tenants, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct TenantsQuery {
    /// Words, each of which is in the label or in the name, without regard to case.
    pub text: Option<String>,
    /// Only those in this state.
    pub state: Option<TenantState>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// How many rows.
    pub count: Option<u32>,
}

/// A tenant with what an operator wants to know first.
#[derive(Clone, Debug)]
pub struct TenantOverview {
    /// The tenant.
    pub tenant: Tenant,
    /// How much there is of it, and how its credentials are used.
    pub figures: TenantFigures,
    /// When a credential of it was last used, some seconds late.
    pub last_seen: Option<Timestamp>,
    /// When the first of its good credentials expires.
    pub next_expiry: Option<Timestamp>,
    /// How many of its credentials are good.
    pub live_credentials: usize,
    /// How it is.
    pub health: Health,
}

impl TenantOverview {
    fn new(tenant: Tenant, figures: TenantFigures, silence: Duration, now: Timestamp) -> TenantOverview {
        let credentials = &figures.credentials;
        let live = || credentials.iter().filter(|credential| credential.is_live(now));
        TenantOverview {
            last_seen: credentials.iter().filter_map(|credential| credential.last_used).max(),
            next_expiry: live().filter_map(|credential| credential.expires).min(),
            live_credentials: live().count(),
            health: health::judge(tenant.state, credentials, silence, now),
            tenant,
            figures,
        }
    }
}

impl Admin {
    /// A page of the tenants, by label. Deleted resources are counted no further than 10,000.
    ///
    /// # Errors
    /// A cursor of another list; a search that is too long.
    pub async fn tenants(&self, query: &TenantsQuery) -> Result<Listed<TenantOverview>, Failure> {
        let read = |text: &str| store::label::check(text).is_ok().then(|| text.to_owned());
        let behind = paging::place(query.cursor.as_deref(), read)?.unwrap_or_default();
        let limit = paging::limit(query.count);
        let search = TenantSearch { words: words(query.text.as_deref())?, state: query.state };
        let rows = self.store.tenants_behind(behind, search, limit + 1).await?;
        let Listed { rows, next } = Listed::cut(rows, limit, |tenant| tenant.label.clone());
        let rows = self.overviews(rows, Some(LISTED_COUNT)).await?;
        Ok(Listed { rows, next })
    }

    /// A tenant (label or id), counted to the end.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn tenant_overview(&self, tenant: &str) -> Result<TenantOverview, Failure> {
        let tenant = self.tenant(tenant).await?;
        self.overview_of(tenant).await
    }

    pub(crate) async fn overview_of(&self, tenant: Tenant) -> Result<TenantOverview, Failure> {
        let overview = self.overviews(vec![tenant], None).await?.pop();
        overview.ok_or_else(|| Failure::internal("a tenant without an overview"))
    }

    async fn overviews(
        &self,
        tenants: Vec<Tenant>,
        count_to: Option<u64>,
    ) -> Result<Vec<TenantOverview>, Failure> {
        let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id).collect();
        let figures = self.store.tenant_figures(ids, count_to.unwrap_or(u64::MAX)).await?;
        let (silence, now) = (self.settings.silence, self.now());
        let pairs = tenants.into_iter().zip(figures);
        let overview = |(tenant, figures)| TenantOverview::new(tenant, figures, silence, now);
        Ok(pairs.map(overview).collect())
    }
}

/// The words of a search, folded. What no text holds separates words as well.
fn words(text: Option<&str>) -> Result<Vec<String>, Failure> {
    let text = text.unwrap_or_default();
    let folded = filter::fold(text);
    let separates = |c: char| c.is_whitespace() || c.is_control();
    let words: Vec<String> =
        folded.split(separates).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.len() > MAX_WORDS || text.chars().count() > MAX_SEARCH {
        return Err(Failure::Invalid(format!(
            "A search has at most {MAX_WORDS} words and {MAX_SEARCH} characters."
        )));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_words() {
        assert_eq!(words(Some("  Contoso\u{0}ÜBER\tLtd. ")).unwrap(), ["contoso", "über", "ltd."]);
        assert_eq!(words(None).unwrap(), [""; 0]);
        assert!(words(Some(&"a ".repeat(9))).is_err());
        assert!(words(Some(&"a".repeat(201))).is_err());
    }
}
