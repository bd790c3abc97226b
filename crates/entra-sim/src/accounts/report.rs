//! The report of a discovery: for people, and as a table of accounts.

use std::io::{self, Write};

use super::{Account, Category, Discovery};
use crate::report::export::line;

/// Accounts and ids of one kind that are shown to people.
const SHOWN: usize = 20;

impl Discovery {
    /// Counts, what was doubled or missed, and the first accounts that somebody should look at.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (counts, totals) = (self.counts, self.totals);
        writeln!(
            out,
            "{}\n{} accounts in {} pages, {:.1} s; matched by {} = {}\n",
            self.tenant_url,
            totals.users,
            totals.pages,
            self.seconds,
            self.matching.target,
            self.matching.source
        )?;
        writeln!(out, "{:>9} local       no match in the directory", counts.local)?;
        writeln!(
            out,
            "{:>9} unassigned  match a person who is not assigned to the application",
            counts.unassigned
        )?;
        writeln!(out, "{:>9} assigned    match an assigned person", counts.assigned)?;
        writeln!(out, "{:>9} assigned people without an account", self.assigned_without_account)?;
        writeln!(out, "{:>9} people with more than one account\n", self.several_accounts.len())?;
        self.write_completeness(out)?;
        self.write_category(Category::Local, out)?;
        self.write_category(Category::Unassigned, out)
    }

    fn write_completeness(&self, out: &mut dyn Write) -> io::Result<()> {
        let totals = self.totals;
        if totals.first_total != totals.last_total || totals.last_total != totals.users as u64 {
            writeln!(
                out,
                "totalResults was {} on the first page and {} on the last one: users came or went meanwhile, or the \
                 server counts wrongly",
                totals.first_total, totals.last_total
            )?;
        }
        ids("doubled: came more than once", &self.doubled, out)?;
        let Some(verification) = &self.verification else {
            return writeln!(out, "missed: not verified (--verify reads all users twice)");
        };
        writeln!(out, "gone since the first reading: {}", verification.gone)?;
        ids("missed: there throughout, and not on any page", &verification.missed, out)?;
        if verification.unknown.is_empty() {
            Ok(())
        } else {
            ids("cannot be verified", &verification.unknown, out)
        }
    }

    fn write_category(&self, category: Category, out: &mut dyn Write) -> io::Result<()> {
        let all = || self.accounts.iter().filter(|account| account.category == category);
        let count = all().count();
        if count == 0 {
            return Ok(());
        }
        writeln!(out, "\n{}:", category.word())?;
        for account in all().take(SHOWN) {
            let name = account.user_name.as_deref().or(account.display_name.as_deref()).unwrap_or_default();
            let active = if account.active == Some(false) { " (inactive)" } else { "" };
            writeln!(out, "  {}  {name}{active}", account.id)?;
        }
        if count > SHOWN { writeln!(out, "  … and {} more (--csv has all)", count - SHOWN) } else { Ok(()) }
    }
}

fn ids(what: &str, ids: &[String], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{what}: {}", ids.len())?;
    ids.iter().take(SHOWN).try_for_each(|id| writeln!(out, "  {id}"))
}

/// All accounts as comma-separated values (RFC 4180), one line each below a line of names.
///
/// # Errors
/// Those of `out`.
pub fn write_csv(accounts: &[Account], out: &mut dyn Write) -> io::Result<()> {
    let names = ["category", "id", "userName", "displayName", "active", "matchingValue", "directoryObjectId"];
    out.write_all(line(names.into_iter()).as_bytes())?;
    for account in accounts {
        let active = account.active.map(|active| active.to_string());
        let optional = |value: &'_ Option<String>| value.clone().unwrap_or_default();
        let cells = [
            account.category.word().to_owned(),
            account.id.clone(),
            optional(&account.user_name),
            optional(&account.display_name),
            optional(&active),
            optional(&account.matching_value),
            optional(&account.object_id),
        ];
        out.write_all(line(cells.iter().map(String::as_str)).as_bytes())?;
    }
    Ok(())
}
