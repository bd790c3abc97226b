//! Signing in at a real OpenID provider, in its own forms; and what is tried against that.

use super::{Browser, assert_failure, assert_redirect, between};
use crate::{
    admin::{PASSWORD, add_operator, operator, try_sign_in},
    oauth::provider::Provider,
    world::World,
};
use serde_json::json;
use test_support::{Backend, Database, Response};

/// Where the provider sends browsers back to; the test takes them to the gateway that it has started.
const PUBLIC: &str = "https://admin.juno.test";

struct House {
    world: World,
    provider: Provider,
}

impl House {
    fn start(more: &[(&str, &str)]) -> House {
        let provider = Provider::start();
        let mut settings = provider.for_operators(PUBLIC);
        settings.extend(more);
        let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
        House { world, provider }
    }

    /// Begins in this browser; returns the address at the provider.
    fn begin(&self, browser: &Browser) -> String {
        let response = browser.get("/sign-in/openid");
        assert_eq!(response.status, 303, "{}", response.text());
        let line = response.header("set-cookie").expect("cookie");
        assert!(line.contains("; HttpOnly; SameSite=Lax; Secure"), "{line}");
        response.header("location").expect("location").to_owned()
    }

    /// Signs in at the provider under this name; returns the path, with its query, that the browser comes back to.
    fn at_provider(&self, url: &str, login: &str) -> String {
        let base = self.provider.issuer.clone();
        let http = self.world.http.clone();
        let visitor = Browser { base, http, cookies: Default::default(), csrf: Default::default() };
        let mut response =
            visitor.get(url.strip_prefix(self.provider.issuer.as_str()).expect("at the provider"));
        let mut page = String::new();
        for _ in 0..12 {
            if let Some(to) = response.header("location") {
                if let Some(back) = to.strip_prefix(PUBLIC) {
                    return back.to_owned();
                }
                page = to.strip_prefix(self.provider.issuer.as_str()).unwrap_or(to).to_owned();
                response = visitor.get(&page);
            } else {
                let prompt = between(&response.text(), "name=\"prompt\" value=\"", "\"");
                let prompt =
                    prompt.unwrap_or_else(|| panic!("no form: {} {}", response.status, response.text()));
                let fields = [("prompt", prompt.as_str()), ("login", login), ("password", "any")];
                response = visitor.post_as_it_is(&page, &fields);
            }
        }
        panic!("the provider goes on and on: {}", response.text());
    }

    /// The whole way.
    fn sign_in(&self, browser: &Browser, login: &str) -> Response {
        let url = self.begin(browser);
        browser.get(&self.at_provider(&url, login))
    }
}

/// Kept out, with words, and without a session.
fn assert_kept_out(browser: &Browser, response: &Response, words: &str) {
    let text = response.text();
    assert_eq!(response.status, 403, "{text}");
    assert!(text.contains(words), "{text}");
    assert_eq!(browser.get("/tenants").header("location"), Some("/sign-in"));
}

#[test]
fn an_operator_signs_in_at_the_provider_and_needs_no_password_here() {
    let house = House::start(&[]);
    add_operator(&house.world, "anna", "support");
    let browser = Browser::new(&house.world);
    assert!(browser.page("/sign-in?next=/account").contains("Sign in with &#60;Contoso&#62;"));
    assert_kept_out(&browser, &house.sign_in(&browser, "Anna"), "no operator here has your name");
    browser.page("/sign-in?next=/account");
    let done = house.sign_in(&browser, "anna");
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(done.text().contains("http-equiv=\"refresh\""), "{}", done.text());
    super::assert_page(&done);
    assert_redirect(&browser.get("/sign-in"), "/account");
    assert!(browser.page("/tenants").contains("anna"));
    assert!(browser.page("/account").contains("support"));

    let root = operator(&house.world, "root", "admin");
    let rows = root.read("/audit");
    let row = rows["audit"].as_array().expect("rows").iter().find(|row| row["actor"] == "operator anna");
    let row = row.expect("row");
    assert_eq!((&row["action"], &row["after"]), (&json!("operator.sign-in"), &json!({"by": "openid"})));
    // A disabled operator is out at once, and stays out.
    assert_eq!(root.post("/operators/anna/disable", &json!({})).status, 200);
    assert_kept_out(&browser, &house.sign_in(&browser, "anna"), "no operator here has your name");
    assert!(!house.world.gateway.log().contains("of-the-operators-client"));
}

#[test]
fn who_is_no_operator_gets_none_by_signing_in() {
    let house = House::start(&[]);
    let browser = Browser::new(&house.world);
    assert_kept_out(&browser, &house.sign_in(&browser, "stranger"), "no operator here has your name");
    assert_eq!(house.world.juno(&["operator", "list"])["operators"], json!([]));
    // An address that the provider has not verified is nobody's name.
    let by_mail = House::start(&[("JUNO__OPENID__CLAIM", "email")]);
    add_operator(&by_mail.world, "anna@example.com", "admin");
    let browser = Browser::new(&by_mail.world);
    assert_kept_out(&browser, &by_mail.sign_in(&browser, "anna"), "has not verified the e-mail address");
}

#[test]
fn what_does_not_belong_together_signs_nobody_in() {
    let house = House::start(&[]);
    add_operator(&house.world, "anna", "admin");
    let browser = Browser::new(&house.world);
    let change = |text: &str, name: &str, value: &str| {
        let old = between(text, &format!("{name}="), "&")
            .unwrap_or_else(|| text.rsplit_once(&format!("{name}=")).expect(name).1.to_owned());
        text.replace(&format!("{name}={old}"), &format!("{name}={value}"))
    };

    // Another state, another issuer, no code.
    let back = house.at_provider(&house.begin(&browser), "anna");
    assert_kept_out(&browser, &browser.get(&change(&back, "state", "other")), "another browser");
    let back = house.at_provider(&house.begin(&browser), "anna");
    let elsewhere = change(&back, "iss", "https%3A%2F%2Fevil.example");
    assert_kept_out(&browser, &browser.get(&elsewhere), "Another provider");
    let back = house.at_provider(&house.begin(&browser), "anna");
    let denied = change(&back, "code", "x").replace("code=x", "error=access_denied");
    assert_kept_out(&browser, &browser.get(&denied), "did not sign you in");

    // The provider is asked with another nonce, or another challenge, than this browser keeps.
    let url = change(&house.begin(&browser), "nonce", "another-nonce-of-somebody-else");
    let back = house.at_provider(&url, "anna");
    assert_kept_out(&browser, &browser.get(&back), "belongs to another sign-in");
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let url = change(&house.begin(&browser), "code_challenge", challenge);
    let back = house.at_provider(&url, "anna");
    assert_kept_out(&browser, &browser.get(&back), "does not know this sign-in");

    // Another browser, and the same one twice.
    let back = house.at_provider(&house.begin(&browser), "anna");
    let thief = Browser::new(&house.world);
    assert_kept_out(&thief, &thief.get(&back), "another browser");
    let kept = browser.cookies.borrow().clone();
    assert_eq!(browser.get(&back).status, 200);
    assert_eq!(browser.get(&back).status, 403, "what it kept is gone");
    let replay = Browser::new(&house.world);
    *replay.cookies.borrow_mut() = kept;
    assert_kept_out(&replay, &replay.get(&back), "does not know this sign-in");
}

#[test]
fn an_address_makes_the_gateway_ask_only_so_often() {
    let house = House::start(&[("JUNO__ADMIN__SIGN_IN_ATTEMPTS", "3")]);
    let browser = Browser::new(&house.world);
    // Pages of others can send a browser here, but not with what it keeps for a sign-in.
    for _ in 0..20 {
        assert_kept_out(&browser, &browser.get("/sign-in/openid/callback?code=x&state=y"), "another browser");
    }
    for _ in 0..3 {
        house.begin(&browser);
        assert_eq!(browser.get("/sign-in/openid/callback?code=x&state=y").status, 403);
    }
    house.begin(&browser);
    let response = browser.get("/sign-in/openid/callback?code=x&state=y");
    assert_eq!(response.status, 429, "{}", response.text());
}

#[test]
fn the_good_ones_are_not_counted() {
    // An address has ten wrong ones, a name one.
    let house = House::start(&[("JUNO__ADMIN__SIGN_IN_ATTEMPTS", "1")]);
    add_operator(&house.world, "anna", "support");
    let browser = Browser::new(&house.world);
    for _ in 0..11 {
        house.begin(&browser);
    }
    for _ in 0..11 {
        let signed_in = house.sign_in(&Browser::new(&house.world), "anna");
        assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    }
    let wrong = json!({"name": "nobody", "password": "nothing"});
    assert_eq!(try_sign_in(&house.world, &wrong).status, 401, "passwords share the count of the address");
}

#[test]
fn without_a_provider_there_is_no_such_way() {
    let world = World::start(Backend::Sqlite);
    let browser = Browser::new(&world);
    assert!(!browser.page("/sign-in").contains("openid"));
    assert_failure(&browser.get("/sign-in/openid"), 404, "not-found");
    assert_failure(&browser.get("/sign-in/openid/callback?code=x&state=y"), 404, "not-found");
}

#[test]
fn a_provider_that_is_away_is_said_to_be_and_passwords_still_count() {
    let mut house = House::start(&[]);
    let _ = house.provider.stop();
    let browser = Browser::new(&house.world);
    assert_failure(&browser.get("/sign-in/openid"), 503, "unavailable");
    let once = add_operator(&house.world, "anna", "viewer");
    browser.page("/sign-in");
    let response = browser.post("/sign-in", &[("name", "anna"), ("password", &once)]);
    assert_eq!(response.status, 303, "{}", response.text());
    assert_ne!(once, PASSWORD);
}
