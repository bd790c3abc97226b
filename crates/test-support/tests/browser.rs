//! The browser of the tests sees what a person would see, and fails where it must.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};
use test_support::{Browser, Scheme};

/// The address of a site with a good page and a bad one, served for as long as the process lives.
fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    // Each in a thread: a browser may open a connection ahead and say nothing on it.
    let answer = |stream| drop(thread::spawn(move || answer(stream)));
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    address
}

fn answer(mut stream: TcpStream) {
    let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let head: Vec<String> = head.collect();
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match path {
        "/good" => ("200 OK", "text/html", include_str!("pages/good.html")),
        "/bad" => ("200 OK", "text/html", include_str!("pages/bad.html")),
        "/late.js" => ("200 OK", "text/javascript", include_str!("pages/late.js")),
        "/favicon.ico" => ("204 No Content", "text/plain", ""),
        _ => ("404 Not Found", "text/plain", "nothing"),
    };
    let body = body.replace("{target}", target);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {}\r\n\
         content-security-policy: default-src 'self'; style-src 'unsafe-inline'\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A browser may have gone away.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// What a part of a test says when it fails, as it must.
fn failure(part: impl FnOnce()) -> String {
    let failure = catch_unwind(AssertUnwindSafe(part)).expect_err("it fails");
    failure.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_good_page_is_used_as_a_person_uses_it() {
    let page = Browser::at(&site());
    page.open("/good");
    assert_eq!(page.violations(), [""; 0]);
    page.fill("Display name", "Contoso & Söhne");
    page.choose("Role", "admin");
    page.tick("I am sure");
    assert_eq!(page.value("Display name"), "Contoso & Söhne");
    page.press("Open tenant");
    page.expect("asked for ?name=Contoso+%26+S%C3%B6hne&role=admin&sure=yes");
    page.expect_path("/good");

    page.follow_near("Fabrikam", "Show");
    page.expect("asked for ?row=fabrikam");
    let several = failure(|| page.follow("Show"));
    assert!(several.contains("2 times a link called \"Show\""), "{several}");

    let load = page.load();
    page.tab_to("Display name");
    assert!(page.focus_is_visible());
    page.write("Fabrikam");
    assert_eq!(page.load(), load);
    page.enter();
    page.expect("asked for ?name=Fabrikam&role=viewer");
    assert_ne!(page.load(), load);

    page.prefer(Scheme::Dark);
    page.resize(390, 200);
    let seen = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
    assert_eq!(page.script(seen, vec![]).to_string(), "[390,true]");
    assert_eq!(page.overflow(), 0);
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("pictures/good.png");
    page.picture(&file);
    let png = fs::read(file).expect("picture");
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((&png[1..4], side(16)), (&b"PNG"[..], 390));
    assert!(side(20) > 200, "the whole page, not only what the window shows of it: {}", side(20));

    page.forbid_scripts();
    page.open("/good");
    page.expect("no script has run");
    page.press("Open tenant");
    page.expect("the server was asked for /good?name=&role=viewer");
    page.expect("no script has run");
    page.open("/missing");
    page.expect("nothing");
    page.expect_complaint("status of 404");
}

#[test]
fn a_bad_page_is_told_from_a_good_one() {
    let site = site();
    let complained = failure(|| {
        let page = Browser::at(&site);
        page.open("/bad");
        let violations = page.violations().join("\n");
        for rule in ["color-contrast", "heading", "html-has-lang", "label", "landmark"] {
            assert!(violations.contains(rule), "{rule} is not among {violations}");
        }
        assert!(page.overflow() > 1000);
        let several = failure(|| page.press("Revoke"));
        assert!(several.contains("2 times a button called \"Revoke\""), "{several}");
        page.expect("Too pale to read");
    });
    assert!(complained.contains("Content Security Policy"), "{complained}");
}
