//! Assets of pages: compiled in, served under a name that holds a digest of what they are, so that browsers keep them for
//! ever and never use a stale one.

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::Path,
};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, sync::LazyLock};

/// Where the operators' listener serves them.
pub(crate) const CONSOLE: Assets = Assets(Cow::Borrowed("/assets"));

/// Where a page finds its assets: the path they are mounted under.
#[derive(Clone, Debug)]
pub(crate) struct Assets(Cow<'static, str>);

impl Assets {
    /// Those of a page on another listener than the operators', which mounts [`serve`] under this path.
    pub(crate) fn under(path: String) -> Assets {
        Assets(Cow::Owned(path))
    }

    /// The address of the style sheet.
    pub(crate) fn style(&self) -> String {
        self.address(&STYLE)
    }

    /// The address of the script.
    pub(crate) fn script(&self) -> String {
        self.address(&SCRIPT)
    }

    /// The address of the icon.
    pub(crate) fn icon(&self) -> String {
        self.address(&ICON)
    }

    fn address(&self, asset: &Asset) -> String {
        format!("{}/{}", self.0, asset.name)
    }
}

struct Asset {
    name: String,
    media_type: &'static str,
    bytes: &'static [u8],
}

fn asset(stem: &str, ending: &str, media_type: &'static str, bytes: &'static [u8]) -> Asset {
    let digest: String = Sha256::digest(bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Asset { name: format!("{stem}.{digest}.{ending}"), media_type, bytes }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    asset("juno", "css", "text/css; charset=utf-8", include_bytes!("../../assets/juno.css"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset("juno", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/juno.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset("juno", "svg", "image/svg+xml", include_bytes!("../../assets/juno.svg")));

/// Answers with the asset of this name.
pub(crate) async fn serve(name: Path<String>) -> HttpResponse {
    let found = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == *name);
    let Some(asset) = found else { return HttpResponse::NotFound().finish() };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.media_type))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_what_is_behind_them() {
        let address = CONSOLE.style();
        assert_eq!(address.len(), "/assets/juno.0123456789abcdef.css".len(), "{address}");
        assert_ne!(Assets::under("/setup/assets".to_owned()).style(), address);
        assert!(CONSOLE.script().ends_with(".js") && CONSOLE.icon().ends_with(".svg"));
    }
}
