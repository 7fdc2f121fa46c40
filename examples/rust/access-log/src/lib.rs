//! Parses lines of a web server's access log.

mod agent;
mod parse;

#[purefork_guest::module]
mod access_log {
    use super::{agent, parse};

    /// A line. What is `-` there is none.
    pub struct Entry {
        /// The client: an address or a name.
        pub host: String,
        /// Who the client says it is.
        pub user: Option<String>,
        /// When the request came, in seconds since 1970, in UTC.
        pub time: i64,
        /// None if the request is not one of HTTP.
        pub method: Option<String>,
        /// The whole request, if it is not one of HTTP.
        pub path: Option<String>,
        /// Such as `HTTP/1.1`; none if the request does not say.
        pub protocol: Option<String>,
        /// The status of the answer: 100 to 999.
        pub status: u16,
        /// The size of the answer, without its head.
        pub bytes: Option<u64>,
        /// Where the client says that it comes from.
        pub referer: Option<String>,
        /// What the client says that it is.
        pub agent: Option<String>,
    }

    /// The fields of a line. One that is broken is an error, which says where and what was expected.
    pub fn parse(line: &str) -> Result<Entry, String> {
        let entry = parse::parse(line)?;
        let owned = |text: std::borrow::Cow<'_, str>| text.into_owned();
        Ok(Entry {
            host: entry.host.to_owned(),
            user: entry.user.map(str::to_owned),
            time: entry.time,
            method: entry.method.map(owned),
            path: entry.path.map(owned),
            protocol: entry.protocol.map(owned),
            status: entry.status,
            bytes: entry.bytes,
            referer: entry.referer.map(owned),
            agent: entry.agent.map(owned),
        })
    }

    /// What a client says that it is.
    pub struct Agent {
        /// The browser or the tool.
        pub name: Option<String>,
        /// Its main version.
        pub version: Option<u32>,
        /// The system that it runs on.
        pub system: Option<String>,
        /// Whether it is a program that reads the web by itself.
        pub bot: bool,
    }

    /// The browser and the system that a client says that it is.
    pub fn parse_ua(agent: &str) -> Agent {
        let agent::Parts { name, version, system, bot } = agent::parse(agent);
        Agent { name: name.map(str::to_owned), version, system: system.map(str::to_owned), bot }
    }

    /// Many lines in one call: a result for each, in their order. They share a state, and the limits of one call.
    pub fn parse_batch(lines: Vec<String>) -> Vec<Result<Entry, String>> {
        lines.iter().map(|line| parse(line)).collect()
    }
}
