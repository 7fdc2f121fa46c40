//! What a client says that it is → a browser and a system.

/// The browser, its main version, and the system, as far as they are known.
#[derive(Debug, PartialEq)]
pub(crate) struct Parts<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) version: Option<u32>,
    pub(crate) system: Option<&'static str>,
    pub(crate) bot: bool,
}

/// In this order: those that come later claim to be those that come before.
const NAMES: &[(&str, &str)] =
    &[("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];
const BOTS: &[&str] = &["bot", "crawler", "spider"];

pub(crate) fn parse(agent: &str) -> Parts<'_> {
    let known = NAMES.iter().find_map(|(mark, name)| Some((*name, agent.split_once(mark)?.1)));
    let tool = || agent.split_once('/').filter(|(name, _)| !name.contains(' ') && *name != "Mozilla");
    let (name, version) = known.or_else(tool).unzip();
    let digits = |text: &str| {
        let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        text.get(..end)?.parse().ok()
    };
    let lower = agent.to_ascii_lowercase();
    Parts {
        name,
        version: version.and_then(digits),
        system: SYSTEMS.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, system)| *system),
        bot: BOTS.iter().any(|mark| lower.contains(mark)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_tools_and_bots_are_told_apart() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36";
        let bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        for (agent, name, version, system, bot) in [
            (chrome, Some("Chrome"), Some(118), Some("Linux"), false),
            ("Mozilla/5.0 (iPhone) Safari/604.1", Some("Safari"), Some(604), Some("iOS"), false),
            ("curl/8.5.0", Some("curl"), Some(8), None, false),
            ("x/99999999999", Some("x"), None, None, false),
            (bot, None, None, None, true),
            ("", None, None, None, false),
        ] {
            assert_eq!(parse(agent), Parts { name, version, system, bot });
        }
    }
}
