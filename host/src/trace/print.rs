//! A graph as text.

use super::graph::{Body, Graph, Node, text};
use crate::error::ForkSite;
use crate::escape::{escaped, escaped_display, printable};
use crate::value::{Type, Value};
use std::fmt::{self, Write as _};

/// How much of a value, a type or an error is shown, in bytes.
const SHOWN: usize = 80;

/// The column at which remarks begin, where there is room.
const REMARKS: usize = 48;

/// So deep are calls that are inlined set off from the margin.
const DEEPEST: usize = 32;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is inlined is printed where it is called.
        let printed = if self.is_inlined() { 1 } else { self.bodies.len() };
        for (at, body) in self.bodies.iter().take(printed).enumerate() {
            if at > 0 {
                f.write_char('\n')?;
            }
            self.body(f, body, at == 0)?;
        }
        Ok(())
    }
}

/// Where the printing of a body has come to.
struct Place<'a> {
    body: &'a Body,
    nodes: std::slice::Iter<'a, Node>,
}

impl Graph {
    fn is_inlined(&self) -> bool {
        let calls = |body: &Body| body.nodes.iter().any(|node| matches!(node, Node::Call { .. }));
        self.bodies.first().is_some_and(calls)
    }

    fn body(&self, f: &mut fmt::Formatter<'_>, body: &Body, first: bool) -> fmt::Result {
        let kind = if first { "graph" } else { "subgraph" };
        let mut remarks = Vec::new();
        if body.name.is_some() {
            if body.calls > 1 {
                remarks.push(format!("{} calls", body.calls));
            }
            // What one has used that failed is not known.
            if body.known {
                remarks.push("not run: the result was known".to_owned());
            } else if let Some(Ok(_)) = body.result {
                let each = if body.calls > 1 { " each" } else { "" };
                remarks.push(format!("fuel {}{each}", body.fuel));
            }
            if body.nodes.is_empty() && !body.known {
                remarks.push("forks nothing".to_owned());
            }
        }
        let remark = remarks.join(", ");
        line(f, 0, &format!("{kind} {}({}){}:", label(body), params(body), gives(body)), &remark)?;
        let mut places = vec![Place { body, nodes: body.nodes.iter() }];
        while let Some(place) = places.last_mut() {
            let body = place.body;
            match place.nodes.next() {
                Some(node) => {
                    let depth = places.len();
                    let (text, remark) = self.node(node);
                    line(f, depth, &text, &remark)?;
                    if let Node::Call { body, .. } = node {
                        let body = &self.bodies[*body];
                        places.push(Place { body, nodes: body.nodes.iter() });
                    }
                }
                None => {
                    if body.name.is_some() {
                        line(f, places.len(), &end(body), "")?;
                    }
                    places.pop();
                }
            }
        }
        Ok(())
    }

    /// A node, and what is remarked on it.
    fn node(&self, node: &Node) -> (String, String) {
        match node {
            Node::Fork { future, body, futures, site } => {
                let body = &self.bodies[*body];
                let text =
                    format!("%{future}: future<{}> = fork {}({})", result(body), label(body), args(body, futures));
                (text, place(site.as_ref()))
            }
            Node::Wait { value, future, body } => {
                let body = &self.bodies[*body];
                (format!("%{value}: {} = wait(%{future})", result(body)), outcome(body))
            }
            Node::Call { value, body, futures, site } => {
                let body = &self.bodies[*body];
                let text = format!("%{value}: {} = call {}({}):", result(body), label(body), args(body, futures));
                (text, place(site.as_ref()))
            }
        }
    }
}

/// A line, and a remark on it.
fn line(f: &mut fmt::Formatter<'_>, depth: usize, text: &str, remark: &str) -> fmt::Result {
    let indent = 2 * depth.min(DEEPEST);
    if remark.is_empty() {
        writeln!(f, "{:indent$}{text}", "")
    } else {
        let room = REMARKS.saturating_sub(indent);
        writeln!(f, "{:indent$}{text:room$} # {remark}", "")
    }
}

fn label(body: &Body) -> String {
    match &body.name {
        None => "host".to_owned(),
        Some(name) if body.number == 1 => format!("@{}", escaped(name)),
        Some(name) => format!("@{}.{}", escaped(name), body.number),
    }
}

fn params(body: &Body) -> String {
    let param = |(name, ty, value): &(String, Type, Option<Value>)| {
        let name = escaped(name);
        match value {
            Some(value) => format!("%{name}: {} = {}", shown_type(ty), shown(value)),
            None => format!("%{name}: {}", shown_type(ty)),
        }
    };
    listed(body.params.iter().map(param), body.params.len())
}

/// So many parameters, or arguments, are shown.
const LISTED: usize = 100;

/// The first of a list of so many.
fn listed(shown: impl Iterator<Item = String>, all: usize) -> String {
    let mut list = shown.take(LISTED).collect::<Vec<_>>().join(", ");
    if all > LISTED {
        list.push_str(", …");
    }
    list
}

/// The arguments of a call. `futures`: those that were futures.
fn args(body: &Body, futures: &[(usize, usize)]) -> String {
    let arg = |(at, (_, _, value)): (usize, &(String, Type, Option<Value>))| {
        let future = futures.iter().find(|(place, _)| *place == at);
        match (future, value) {
            (Some((_, future)), _) => format!("%{future}"),
            (None, Some(value)) => shown(value),
            (None, None) => "?".to_owned(),
        }
    };
    listed(body.params.iter().enumerate().map(arg), body.params.len())
}

fn gives(body: &Body) -> String {
    if body.results.is_empty() { String::new() } else { format!(" -> {}", result(body)) }
}

/// The type of the result.
fn result(body: &Body) -> String {
    match body.results.as_slice() {
        [one] => shown_type(one),
        all => format!("({})", all.iter().map(shown_type).collect::<Vec<_>>().join(", ")),
    }
}

fn end(body: &Body) -> String {
    match &body.result {
        Some(Ok(_)) if body.results.is_empty() => "return".to_owned(),
        Some(Ok(value)) => format!("return {}", shown(value)),
        // Its text was escaped when it was made.
        Some(Err(error)) => format!("fail {}", printable(&text(error), 2 * SHOWN)),
        None => "…".to_owned(),
    }
}

/// What a wait gave.
fn outcome(body: &Body) -> String {
    match &body.result {
        Some(Ok(_)) if body.results.is_empty() => String::new(),
        Some(Ok(value)) => shown(value),
        Some(Err(error)) => format!("failed: {}", error.kind().name()),
        None => "had not ended".to_owned(),
    }
}

fn place(site: Option<&ForkSite>) -> String {
    site.map(ToString::to_string).unwrap_or_default()
}

fn shown_type(ty: &Type) -> String {
    escaped_display(ty, SHOWN)
}

fn shown(value: &Value) -> String {
    shown_within(value, SHOWN)
}

/// A value, in one line and no longer than that.
pub(super) fn shown_within(value: &Value, most: usize) -> String {
    value.wave_within(most)
}
