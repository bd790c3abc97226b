//! Secret Tokens: rotated in steps, on evidence that appears by itself, and revoked.

use super::{desk, quick};

#[test]
fn a_token_is_rotated_with_overlap_and_the_new_one_revoked() {
    let world = quick();
    let tenant = world.tenant("contoso");
    let key = |token: &str| token.split('_').nth(1).expect("key id").to_owned();
    let uses = |token: &str| world.send("GET", &format!("{}/Users", tenant.url()), Some(token), None).status;
    let (old, old_key) = (tenant.token(), key(tenant.token()));
    assert_eq!(uses(old), 200);

    let page = desk(&world, "ben", "support");
    page.open("/tenants/contoso/credentials");
    page.expect("GET /Users");
    page.follow(&format!("Rotate… {old_key}"));
    page.press("Start and show the new one");
    page.expect("It is shown this one time");
    let new = page.value("Secret Token");
    page.follow("Done");
    page.expect("Not used yet.");

    let load = page.load();
    assert_eq!((uses(&new), uses(old)), (200, 200), "both are good");
    page.expect("Old one silent");
    page.expect("Safe to complete");
    assert!(page.text().contains("from 127.0.0.1: GET /Users"), "what was seen: {}", page.text());
    assert_eq!(page.load(), load, "nobody has loaded the page again");
    page.follow(&format!("Complete… the rotation of {old_key}"));
    page.press("Complete the rotation");
    page.expect(&format!("The rotation is completed: {old_key} has ended."));
    assert_eq!((uses(old), uses(&new)), (401, 200));

    page.follow(&format!("Revoke… {}", key(&new)));
    page.press("Revoke the token");
    page.expect(&format!("The Secret Token {} is revoked.", key(&new)));
    assert_eq!(uses(&new), 401);
}
