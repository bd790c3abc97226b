//! Pictures of pages: those that are asked for, and what a browser showed when its test failed.

use super::Browser;
use std::{collections::BTreeSet, fs, path::Path, sync::Mutex, thread};

impl Browser {
    /// Keeps a picture of the whole page, however long, as PNG.
    #[track_caller]
    pub fn picture(&self, file: &Path) {
        let (width, height) = self.size.get();
        let length = self.script("return document.documentElement.scrollHeight", vec![]);
        self.show(width, height.max(length.as_u64().expect("pixels") as u32));
        let png = self.must("take a picture", self.session().screenshot_as_png());
        self.show(width, height);
        fs::create_dir_all(file.parent().expect("folder")).expect("folder of pictures");
        fs::write(file, png).expect("picture is written");
    }

    /// Keeps what the browser shows, and says where.
    pub(super) fn keep_evidence(&self) {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/browser"));
        let name = free_name();
        let _ = fs::create_dir_all(folder);
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let (picture, source) = (folder.join(format!("{name}.png")), folder.join(format!("{name}.html")));
        if let Ok(png) = self.wait(self.session().screenshot_as_png()) {
            let _ = fs::write(&picture, png);
        }
        if let Ok(html) = self.wait(self.session().source()) {
            let _ = fs::write(&source, html);
        }
        let _ = self.hear_complaints();
        eprintln!("--- the browser is kept in {} and {}", picture.display(), source.display());
        eprintln!("--- it complained of {:?}", self.complaints.borrow());
    }
}

/// A name for what a test keeps. Several browsers of one test, each its own; an earlier run's is overwritten.
fn free_name() -> String {
    static TAKEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let test = thread::current().name().unwrap_or("test").replace("::", ".");
    let mut taken = TAKEN.lock().expect("names");
    let mut names = (1..).map(|number| format!("{test}-{number}"));
    names.find(|name| taken.insert(name.clone())).expect("numbers do not end")
}
