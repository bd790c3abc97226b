//! Signing keys: replaced on time, whatever the clock does.

use super::*;

fn kids(process: &Process, now: Timestamp) -> Vec<String> {
    let set = serde_json::to_value(process.keys.jwks(now)).expect("JSON");
    let keys = set["keys"].as_array().expect("keys");
    assert!(keys.iter().all(|key| key["x"].is_string() && key.get("d").is_none()), "{set}");
    keys.iter().map(|key| key["kid"].as_str().expect("kid").to_owned()).collect()
}

#[tokio::test]
async fn signing_keys_are_published_before_they_sign_and_until_their_tokens_end() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let one = &house.process;
    let two = Process::start(&house.store, NOW).await;
    let [old] = &kids(one, NOW)[..] else { panic!("one key") };
    assert_eq!(kids(&two, NOW), kids(one, NOW), "two processes share it");

    let last_day = after(KEY_LIFETIME - DAY);
    one.keys.refresh(Timestamp(last_day.0 - 1)).await.expect("keys");
    assert_eq!(kids(one, last_day).len(), 1);
    // Both see the need; one successor is made.
    let (first, second) = tokio::join!(one.keys.refresh(last_day), two.keys.refresh(last_day));
    first.and(second).expect("keys");
    one.keys.refresh(last_day).await.expect("keys");
    let both = kids(one, last_day);
    assert_eq!((both.len(), &both[0]), (2, old));

    let change = after(KEY_LIFETIME);
    let before = Timestamp(change.0 - 1000);
    let by_old = one.grant("contoso", client, &secret, before).await.expect("granted");
    let by_new = one.grant("contoso", client, &secret, change).await.expect("granted");
    assert_ne!(by_old.split('.').next(), by_new.split('.').next(), "another key id");
    for process in [one, &two] {
        assert!(process.is_good(&by_old, change).await);
        assert!(process.is_good(&by_new, change).await);
    }
    let retired = after(KEY_LIFETIME + 6 * 3600);
    one.keys.refresh(retired).await.expect("keys");
    assert_eq!(kids(one, retired), [both[1].clone()]);
}

#[tokio::test]
async fn a_key_that_another_process_has_just_made_is_looked_up() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let long_after = after(10 * KEY_LIFETIME);
    // Nobody was there to make successors: the process that comes back makes one that signs at once.
    let late = Process::start(&house.store, long_after).await;
    let secret =
        match house.clients.add_secret(&root(long_after), (house.tenant.id, client, id()), YEAR).await {
            Ok(issued) => issued,
            Err(cause) => panic!("{cause} {}", secret.row.key_id),
        };
    let token = late.grant("contoso", client, &secret, long_after).await.expect("granted");
    assert!(house.process.is_good(&token, long_after).await);
}

#[tokio::test]
async fn oauth_goes_on_when_the_clock_was_ahead_and_came_back() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let process = &house.process;
    let before = process.grant("contoso", client, &secret, NOW).await.expect("before the jump");

    let ahead = after(60 * DAY);
    process.grant("contoso", client, &secret, ahead).await.expect("at once, before any timer");
    process.keys.refresh(ahead).await.expect("keys");

    let back = after(60);
    process.keys.refresh(back).await.expect("keys");
    assert!(process.is_good(&before, back).await, "its key is still there");
    let restarted = Process::start(&house.store, back).await;
    for process in [process, &restarted] {
        let token = process.grant("contoso", client, &secret, back).await.expect("after the jump");
        assert!(restarted.is_good(&token, back).await);
    }
    // The key of the far future does not keep the next one from being made on time.
    let (last_day, change) = (after(KEY_LIFETIME - DAY), after(KEY_LIFETIME));
    let known = kids(process, last_day).len();
    process.keys.refresh(last_day).await.expect("keys");
    assert_eq!(kids(process, last_day).len(), known + 1, "published a day before it signs");
    process.grant("contoso", client, &secret, change).await.expect("with the successor");
}

#[tokio::test]
async fn oauth_goes_on_when_the_clock_was_behind() {
    let house = house().await;
    let (client, secret) = house.client().await;
    for now in [after(-60 * DAY), NOW, after(-400 * DAY), after(60)] {
        let token = house.process.grant("contoso", client, &secret, now).await.expect("granted");
        assert!(house.process.is_good(&token, now).await);
    }
}

#[tokio::test]
async fn keys_are_deleted_a_day_after_their_end_and_never_the_last_one() {
    let house = house().await;
    let keys = &house.process.keys;
    let stored = async || house.store.signing_keys().await.expect("keys").len();
    let ended = after(KEY_LIFETIME + 6 * 3600);
    // The process has slept: what it knows has ended, and is all that there is.
    keys.delete_ended(after(10 * KEY_LIFETIME)).await.expect("nothing to do");
    assert_eq!(stored().await, 1);
    keys.refresh(ended).await.expect("keys");
    for (now, left) in [(ended, 2), (Timestamp(ended.0 + DAY * 1000 - 1), 2), (after(31 * DAY + 6 * 3600), 1)]
    {
        keys.delete_ended(now).await.expect("deleted");
        assert_eq!(stored().await, left, "{now:?}");
    }
}
