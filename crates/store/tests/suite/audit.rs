//! The audit log: every administrative act leaves a row in its own transaction, and nobody can change one unseen.

use crate::{acts::*, backend::Backend, on_both_databases, tokens::token, world::*};
use scim::Timestamp;
use serde_json::Value;
use store::*;

on_both_databases!(
    every_act_leaves_its_row,
    an_act_that_is_not_done_leaves_none,
    what_is_so_already_leaves_none,
    acts_at_the_same_time_make_one_chain,
    each_act_says_what_the_one_before_it_left,
    the_database_refuses_to_change_a_row,
    a_changed_row_is_found,
    a_missing_row_is_found,
    swapped_rows_are_found,
    a_forged_end_is_found,
    pages_go_back_in_time,
);

fn by(name: &str) -> By {
    By { actor: operator_actor(name), origin: "192.0.2.7".to_owned(), at: now() }
}

fn parsed(text: &Option<String>) -> Value {
    text.as_deref().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

/// A tenant with a history of five rows.
async fn five_rows(backend: &Backend) -> Hands {
    let store = hands(&backend.store, by("anna"));
    let tenant = tenant_row("contoso");
    assert!(store.create_tenant(tenant.clone()).await.unwrap());
    let secret = token(tenant.id);
    store.insert_secret_token(secret.clone()).await.unwrap();
    assert!(store.set_tenant_state(tenant.id, TenantState::Suspended).await.unwrap());
    assert!(store.revoke_secret_token(tenant.id, secret.id, Timestamp(5)).await.unwrap());
    assert!(store.erase_tenant(tenant.id).await.unwrap());
    let head = store.verify_audit().await.unwrap().unwrap();
    assert_eq!(head.position, 5);
    store
}

async fn every_act_leaves_its_row(backend: Backend) {
    let store = five_rows(&backend).await;
    let mut rows = store.audit_rows(None, i64::MAX, at_most(10)).await.unwrap().rows;
    rows.reverse();
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(
        actions,
        ["tenant.create", "secret-token.issue", "tenant.suspend", "secret-token.revoke", "tenant.delete"]
    );
    assert!(rows.iter().all(|row| row.actor == "operator anna" && row.origin == "192.0.2.7"));
    assert!(rows.iter().all(|row| row.tenant == rows[0].tenant && row.tenant.is_some()));
    assert_eq!(rows[2].target, "contoso");
    assert_eq!(parsed(&rows[2].before)["state"], "active");
    assert_eq!(parsed(&rows[2].after)["state"], "suspended");
    assert_eq!(rows[3].target, "k7");
    assert_eq!(parsed(&rows[3].before)["revoked"], Value::Null);
    assert_eq!(parsed(&rows[3].after)["revoked"], "1970-01-01T00:00:00.005Z");
    assert_eq!(parsed(&rows[4].before)["name"], "contoso Ltd.");
}

async fn an_act_that_is_not_done_leaves_none(backend: Backend) {
    let store = five_rows(&backend).await;
    let tenant = tenant_row("fabrikam");
    assert!(!store.set_tenant_state(tenant.id, TenantState::Active).await.unwrap());
    assert!(!store.erase_tenant(tenant.id).await.unwrap());
    assert!(!store.revoke_secret_token(tenant.id, tenant.id.0, now()).await.unwrap());
    assert!(store.create_tenant(tenant.clone()).await.unwrap());
    assert!(!store.create_tenant(tenant_row("fabrikam")).await.unwrap());
    assert_eq!(store.verify_audit().await.unwrap().unwrap().position, 6);
}

async fn what_is_so_already_leaves_none(backend: Backend) {
    let store = hands(&backend.store, by("anna"));
    let tenant = tenant_row("contoso");
    assert!(store.create_tenant(tenant.clone()).await.unwrap());
    for (state, position) in
        [(TenantState::Active, 1), (TenantState::Suspended, 2), (TenantState::Suspended, 2)]
    {
        assert!(store.set_tenant_state(tenant.id, state).await.unwrap());
        assert_eq!(store.verify_audit().await.unwrap().unwrap().position, position, "{state:?}");
    }
}

async fn acts_at_the_same_time_make_one_chain(backend: Backend) {
    let tenants: Vec<_> = (0..20).map(|n| tenant_row(&format!("t{n}"))).collect();
    let other = backend.open_again();
    let acts = tenants.iter().enumerate().map(|(n, tenant)| {
        let store = if n % 2 == 0 { &backend.store } else { &other };
        let (store, tenant) = (hands(store, by(&format!("o{n}"))), tenant.clone());
        tokio::spawn(async move { store.create_tenant(tenant).await.unwrap() })
    });
    for act in acts.collect::<Vec<_>>() {
        assert!(act.await.unwrap());
    }
    assert_eq!(backend.store.verify_audit().await.unwrap().unwrap().position, 20);
}

/// Whichever is the faster of two processes.
async fn each_act_says_what_the_one_before_it_left(backend: Backend) {
    let other = backend.open_again();
    let tenant = tenant_row("contoso");
    assert!(hands(&backend.store, by("anna")).create_tenant(tenant.clone()).await.unwrap());
    let acts = (0..20).map(|n| {
        let store = if n % 2 == 0 { &backend.store } else { &other };
        let (store, id) = (hands(store, by(&format!("o{n}"))), tenant.id);
        let update = TenantUpdate { name: Some(format!("name {n}")), profile: None };
        tokio::spawn(async move { store.change_tenant(id, update).await.unwrap() })
    });
    for act in acts.collect::<Vec<_>>() {
        assert!(act.await.unwrap());
    }
    let mut rows = backend.store.audit_rows(Some(tenant.id), i64::MAX, at_most(100)).await.unwrap().rows;
    rows.reverse();
    assert_eq!(rows.len(), 21);
    for two in rows.windows(2) {
        assert_eq!(parsed(&two[0].after), parsed(&two[1].before));
    }
}

async fn the_database_refuses_to_change_a_row(backend: Backend) {
    let store = five_rows(&backend).await;
    for statement in [
        "UPDATE audit_log SET actor = 'operator ben'",
        "DELETE FROM audit_log WHERE position = 5",
        "DELETE FROM audit_log",
    ] {
        assert!(backend.refuses(statement), "{statement}");
    }
    assert_eq!(store.verify_audit().await.unwrap().unwrap().position, 5);
}

async fn a_changed_row_is_found(backend: Backend) {
    let store = five_rows(&backend).await;
    backend.unlock_audit_log();
    for (change, back) in [
        ("actor = 'operator ben'", "actor = 'operator anna'"),
        ("origin = '192.0.2.8'", "origin = '192.0.2.7'"),
        ("action = 'tenant.resume'", "action = 'tenant.suspend'"),
        ("target = 'fabrikam'", "target = 'contoso'"),
        ("at = at + 1", "at = at - 1"),
        ("after = '{\"state\":\"active\"}'", "after = '{\"state\":\"suspended\"}'"),
        ("before = NULL", "before = '{\"state\":\"active\"}'"),
    ] {
        backend.execute(&format!("UPDATE audit_log SET {change} WHERE position = 3"));
        assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::Changed(3)), "{change}");
        backend.execute(&format!("UPDATE audit_log SET {back} WHERE position = 3"));
        assert!(store.verify_audit().await.unwrap().is_ok(), "{back}");
    }
    // A row of which the hash was made anew no longer fits the next one.
    backend.execute("UPDATE audit_log SET tenant = NULL WHERE position = 3");
    assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::Changed(3)));
}

async fn a_missing_row_is_found(backend: Backend) {
    let store = five_rows(&backend).await;
    backend.unlock_audit_log();
    for position in [5, 3, 1] {
        backend.execute(&format!("CREATE TABLE kept AS SELECT * FROM audit_log WHERE position = {position}"));
        backend.execute(&format!("DELETE FROM audit_log WHERE position = {position}"));
        assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::Missing(position)));
        backend.execute("INSERT INTO audit_log SELECT * FROM kept; DROP TABLE kept");
        assert!(store.verify_audit().await.unwrap().is_ok());
    }
    backend.execute("DELETE FROM audit_log");
    assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::Missing(1)));
}

async fn swapped_rows_are_found(backend: Backend) {
    let store = five_rows(&backend).await;
    backend.unlock_audit_log();
    backend.execute(
        "UPDATE audit_log SET position = -2 WHERE position = 2; \
         UPDATE audit_log SET position = 2 WHERE position = 4; \
         UPDATE audit_log SET position = 4 WHERE position = -2",
    );
    assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::Changed(2)));
}

async fn a_forged_end_is_found(backend: Backend) {
    let store = five_rows(&backend).await;
    backend.unlock_audit_log();
    // The last row removed, and the recorded end moved back, but without the hash that belongs to it.
    backend.execute("DELETE FROM audit_log WHERE position = 5; UPDATE audit_head SET position = 4");
    assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::WrongHead(4)));
    backend.execute("UPDATE audit_head SET position = 3");
    assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::Added(4)));
    backend.execute("DELETE FROM audit_head");
    assert_eq!(store.verify_audit().await.unwrap(), Err(BrokenChain::Added(1)));
}

async fn pages_go_back_in_time(backend: Backend) {
    let store = five_rows(&backend).await;
    let positions = async |tenant, before| -> Vec<i64> {
        store
            .audit_rows(tenant, before, at_most(2))
            .await
            .unwrap()
            .rows
            .iter()
            .map(|row| row.position)
            .collect()
    };
    assert_eq!(positions(None, i64::MAX).await, [5, 4]);
    assert_eq!(positions(None, 2).await, [1]);
    let contoso = store.audit_rows(None, 2, at_most(1)).await.unwrap().rows[0].tenant;
    assert!(store.create_tenant(tenant_row("fabrikam")).await.unwrap());
    assert_eq!(positions(contoso, i64::MAX).await, [5, 4]);
}
