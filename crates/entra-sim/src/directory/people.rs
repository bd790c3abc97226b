//! Invented people: one at a time, from a seeded source of randomness.

use std::collections::BTreeSet;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::{Directory, DirectoryError, User};

/// What people are made of.
#[derive(Debug, Deserialize)]
pub(super) struct Material {
    given: Vec<String>,
    family: Vec<String>,
    middle: Vec<String>,
    #[serde(rename = "department")]
    pub(super) departments: Vec<Department>,
    #[serde(rename = "office")]
    pub(super) offices: Vec<Office>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Department {
    pub(super) name: String,
    division: String,
    /// Of a hundred people, so many work here.
    share: u32,
    titles: Vec<String>,
    pub(super) lead: String,
    pub(super) head: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Office {
    pub(super) city: String,
    country: String,
    state: String,
    postal_code: String,
    street: String,
    language: String,
    dial: String,
}

/// Makes people whose principal names are unlike all before.
pub(super) struct Maker<'a> {
    pub(super) random: &'a mut ChaCha8Rng,
    pub(super) material: Material,
    pub(super) domain: String,
    taken: BTreeSet<String>,
    number: usize,
}

impl<'a> Maker<'a> {
    /// For a new directory with this domain.
    pub(super) fn new(random: &'a mut ChaCha8Rng, domain: &str) -> Result<Self, DirectoryError> {
        let material =
            toml::from_str(include_str!("people.toml")).map_err(|error| DirectoryError(error.to_string()))?;
        Ok(Self { random, material, domain: domain.to_owned(), taken: BTreeSet::new(), number: 1000 })
    }

    /// For newcomers of a directory that is already there.
    pub(super) fn among(random: &'a mut ChaCha8Rng, directory: &Directory) -> Result<Self, DirectoryError> {
        let upns = directory.users.values().map(|user| user.text("userPrincipalName").to_lowercase());
        let taken: BTreeSet<String> =
            upns.filter_map(|upn| Some(upn.split_once('@')?.0.to_owned())).collect();
        let members = directory.users.values().map(|user| user.text("userPrincipalName"));
        let domain = members
            .filter(|upn| !upn.contains("#EXT#"))
            .find_map(|upn| Some(upn.split_once('@')?.1.to_owned()));
        let mut maker = Self::new(random, domain.as_deref().unwrap_or("contoso.example"))?;
        maker.number += directory.users.len() + directory.purged.len();
        maker.taken = taken;
        Ok(maker)
    }

    pub(super) fn guid(&mut self) -> String {
        let bytes: [u8; 16] = self.random.random();
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// The index of a department, by the departments' shares.
    pub(super) fn department(&mut self) -> usize {
        let total: u32 = self.material.departments.iter().map(|department| department.share).sum();
        let mut drawn = self.random.random_range(0..total.max(1));
        let within = |department: &Department| {
            let hit = drawn < department.share;
            drawn = drawn.saturating_sub(department.share);
            hit
        };
        self.material.departments.iter().position(within).unwrap_or(0)
    }

    pub(super) fn office(&mut self) -> usize {
        // The first offices are the larger ones.
        let offices = self.material.offices.len();
        self.random.random_range(0..offices).min(self.random.random_range(0..offices))
    }

    fn pick(&mut self, from: fn(&Material) -> &Vec<String>) -> String {
        from(&self.material).choose(self.random).cloned().unwrap_or_default()
    }

    pub(super) fn family_name(&mut self) -> String {
        self.pick(|material| &material.family)
    }

    /// A principal name's local part that nobody has.
    pub(super) fn local_part(&mut self, given: &str, family: &str) -> String {
        let plain = |name: &str| -> String {
            let letters = name
                .replace('ø', "o")
                .replace('Ł', "L")
                .replace('ł', "l")
                .replace('ı', "i")
                .replace('ß', "ss");
            letters.nfd().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
        };
        let base = format!("{}.{}", plain(given), plain(family));
        let mut candidate = base.clone();
        let mut number = 1;
        while !self.taken.insert(candidate.clone()) {
            number += 1;
            candidate = format!("{base}{number}");
        }
        candidate
    }

    /// An employee of a department in an office.
    pub(super) fn employee(&mut self, department: usize, office: usize, title: Option<&str>) -> User {
        let (given, family) = (self.pick(|material| &material.given), self.family_name());
        let local = self.local_part(&given, &family);
        let mut attributes = Map::new();
        let mut set = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
        set("userPrincipalName", json!(format!("{local}@{}", self.domain)));
        set("mail", json!(format!("{local}@{}", self.domain)));
        set("mailNickname", json!(local));
        set("displayName", json!(format!("{given} {family}")));
        set("givenName", json!(given));
        set("surname", json!(family));
        if self.random.random_ratio(1, 6) {
            set("middleName", json!(self.material.middle.choose(self.random)));
        }
        self.number += 1;
        set("employeeId", json!(format!("E{:05}", self.number)));
        set("companyName", json!("Contoso"));
        set("userType", json!("Member"));
        set("proxyAddresses", json!([format!("SMTP:{local}@{}", self.domain)]));
        let object_id = self.guid();
        let mut user =
            User { object_id, account_enabled: true, manager: None, deleted_date_time: None, attributes };
        self.place(&mut user, department, office, title);
        user
    }

    /// Gives a user the attributes of a department and an office.
    pub(super) fn place(&mut self, user: &mut User, department: usize, office: usize, title: Option<&str>) {
        let Some(unit) = self.material.departments.get(department) else { return };
        let Some(place) = self.material.offices.get(office) else { return };
        let title = title.or_else(|| unit.titles.choose(self.random).map(String::as_str)).unwrap_or_default();
        let (floor, desk) = (self.random.random_range(1..9), self.random.random_range(1..60));
        let number = self.random.random_range(1000..10_000);
        let mut set = |name: &str, value: Value| user.attributes.insert(name.to_owned(), value);
        set("jobTitle", json!(title));
        set("department", json!(unit.name));
        set("division", json!(unit.division));
        set("costCenter", json!(format!("CC{}{}", 10 + department, office)));
        set("city", json!(place.city));
        set("country", json!(place.country));
        set("state", json!(place.state));
        set("postalCode", json!(place.postal_code));
        set("streetAddress", json!(format!("{} {}", place.street, 10 + office)));
        set("physicalDeliveryOfficeName", json!(format!("{}/{floor}{desk:02}", place.city)));
        set("preferredLanguage", json!(place.language));
        set("telephoneNumber", json!(format!("{} 555 {number}", place.dial)));
        if self.random.random_ratio(2, 3) {
            set("mobile", json!(format!("{} 777 {number}", place.dial)));
        }
        if self.random.random_ratio(1, 20) {
            set("facsimileTelephoneNumber", json!(format!("{} 556 {number}", place.dial)));
        }
    }

    /// A guest from another company, with `#EXT#` in the principal name.
    pub(super) fn guest(&mut self) -> User {
        let (given, family) = (self.pick(|material| &material.given), self.family_name());
        let local = self.local_part(&given, &family);
        let attributes = json!({
            "userPrincipalName": format!("{local}_fabrikam.example#EXT#@{}", self.domain),
            "mail": format!("{local}@fabrikam.example"),
            "mailNickname": format!("{local}_fabrikam.example"),
            "displayName": format!("{given} {family} (Fabrikam)"),
            "givenName": given, "surname": family, "companyName": "Fabrikam", "userType": "Guest",
        });
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        User {
            object_id: self.guid(),
            account_enabled: true,
            manager: None,
            deleted_date_time: None,
            attributes,
        }
    }
}
