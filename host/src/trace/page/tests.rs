use super::super::made::{HOSTILE, hostile, many, three};
use super::super::{Trace, made};
use super::*;
use std::path::PathBuf;

/// Where pages go that a browser is to open; none if they are not to be kept.
fn folder() -> Option<PathBuf> {
    std::env::var_os("PUREFORK_PAGES").map(PathBuf::from)
}

/// The page, kept if pages are.
fn page(name: &str, trace: &Trace, ir: &str) -> String {
    let html = trace.to_html(name, ir);
    if let Some(folder) = folder() {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(folder.join(format!("{name}.html")), &html).expect("the page can be written");
    }
    html
}

/// The data in a page, as its script reads it.
fn data(html: &str) -> serde_json::Value {
    let (_, data) = html.split_once("<script type=\"application/json\" id=\"data\">").expect("there is data");
    let (data, _) = data.split_once("</script>").expect("the data ends");
    serde_json::from_str(data).expect("it is JSON")
}
