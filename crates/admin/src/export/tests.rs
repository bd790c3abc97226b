use super::*;
use futures_util::future::join_all;
use provisioning::{Context, Precondition, Provisioning};
use scim::Profile;
use serde_json::Value;
use store::{Actor, Settings, TenantId, TenantState, control::tenants};

/// Longer than any line of these tests is without the members of a group. A change of a group names those that came.
const LINE: usize = 200_000;

/// A tenant on a SQLite store of its own.
struct World {
    store: Store,
    tenant: Tenant,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let store = Store::open(&Settings { readers: 2, ..Settings::of(url) }).unwrap();
        let tenant = Tenant {
            id: TenantId(Uuid::from_u128(1)),
            label: "contoso".to_owned(),
            name: "Contoso".to_owned(),
            profile: Profile::Entra,
            state: TenantState::Active,
            created: Timestamp(0),
        };
        let by = By {
            actor: Actor::CommandLine { user: "root".to_owned() },
            origin: "host".to_owned(),
            at: Timestamp(0),
        };
        let row = tenant.clone();
        store.act(&by, tenant.id, move |tx| tenants::create(tx, &row)).await.unwrap();
        World { store, tenant, _folder: folder }
    }

    fn context(&self) -> Context {
        Context {
            tenant: self.tenant.id,
            profile: Profile::Entra,
            actor: None,
            now: Timestamp(1_795_521_600_000),
        }
    }

    async fn create(&self, kind: ResourceKind, body: Value) -> String {
        let provisioning = Provisioning::new(self.store.clone());
        provisioning.create(&self.context(), kind, body).await.unwrap().row.id.to_string()
    }

    /// Creates users with so much text in their titles. Returns their ids in order.
    async fn users(&self, count: usize, text: usize) -> Vec<String> {
        let user = |n| json!({"userName": format!("user{n}"), "title": "x".repeat(text)});
        let mut ids = Vec::new();
        for some in (0..count).collect::<Vec<_>>().chunks(100) {
            let created = some.iter().map(|n| self.create(ResourceKind::User, user(n)));
            ids.extend(join_all(created).await);
        }
        ids.sort_unstable();
        ids
    }

    async fn group(&self, members: &[String]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        self.create(ResourceKind::Group, json!({"displayName": "Sales", "members": members})).await
    }

    async fn delete(&self, kind: ResourceKind, id: &str) {
        let provisioning = Provisioning::new(self.store.clone());
        provisioning.delete(&self.context(), kind, id, Precondition::default()).await.unwrap();
    }

    /// The lines of an export. Asserts before each piece that what is held is bounded.
    async fn exported(&self) -> Vec<Value> {
        let mut export = Export::new(self.store.clone(), self.tenant.clone(), String::new());
        let mut text = String::new();
        while let Some(piece) = export.piece().await.unwrap() {
            assert!(piece.len() < PIECE + LINE, "a piece of {} bytes", piece.len());
            let held: usize = export.ready.iter().map(|line| line.text.len()).sum();
            assert!(held <= PAGE_BYTES, "{held} bytes of lines are held");
            text.push_str(&piece);
        }
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn of_type<'l>(lines: &'l [Value], kind: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

#[tokio::test]
async fn an_export_of_large_rows_holds_a_page_of_bounded_bytes() {
    let world = World::new().await;
    // Three pages of users, of deleted ones and of changes, by their bytes. By their number it would be one.
    let ids = world.users(50, LINE - 10_000).await;
    for id in &ids[..25] {
        world.delete(ResourceKind::User, id).await;
    }
    let lines = world.exported().await;
    let named = |kind: &str, id: fn(&Value) -> &Value| -> Vec<String> {
        of_type(&lines, kind).iter().map(|line| id(line).as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(named("User", |line| &line["resource"]["id"]), ids[25..]);
    let mut deleted = named("deleted", |line| &line["id"]);
    deleted.sort_unstable();
    assert_eq!(deleted, ids[..25]);
    assert_eq!(of_type(&lines, "change").len(), 75);
    assert_eq!(lines.last(), Some(&json!({"type": "end", "lines": lines.len() - 1})));
}

#[tokio::test]
async fn members_of_a_group_are_read_in_slices() {
    let world = World::new().await;
    let full = SLICE as usize;
    let ids = world.users(full + 5, 0).await;
    // Several slices, one that is full so that the next one is empty, less than a slice, nothing.
    for count in [full + 5, full, 5, 0] {
        let kept = world.group(&ids[..count]).await;
        let gone = world.group(&ids[..count]).await;
        world.delete(ResourceKind::Group, &gone).await;
        let lines = world.exported().await;
        for (kind, id) in [("Group", kept), ("deleted", gone)] {
            let is_it = |line: &&&Value| line["id"] == id || line["resource"]["id"] == id;
            let line = *of_type(&lines, kind).iter().find(is_it).unwrap();
            assert_eq!(line["members"], json!(ids[..count]), "{kind} of {count} members");
        }
    }
}

#[tokio::test]
async fn no_more_rows_are_asked_for_than_fit() {
    let world = World::new().await;
    let mut export = Export::new(world.store.clone(), world.tenant.clone(), String::new());
    let asked = |export: &mut Export, read, has_more| {
        export.note_page(read, has_more);
        export.rows
    };
    assert_eq!(asked(&mut export, 200, true), 200);
    assert_eq!(asked(&mut export, 16, true), 16);
    assert_eq!(asked(&mut export, 16, true), 32);
    assert_eq!(asked(&mut export, 0, true), 1);
    assert_eq!(asked(&mut export, 1, false), 2);
    for _ in 0..10 {
        export.note_page(usize::MAX, true);
    }
    assert_eq!(export.rows, PAGE.max);
}
