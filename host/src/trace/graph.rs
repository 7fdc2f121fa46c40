//! What ran as a graph: a node for each fork and wait, and one body for all calls that are the same.

use super::model::{StepKind, Task, Trace};
use crate::error::{Error, ForkSite, Result};
use crate::value::{Type, Value, bytes};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// What ran as a graph, from [`Trace::graph`].
///
/// It is printed as compilers print their intermediate representations: each fork gives a future, each wait takes one and gives a value.
/// Calls of one function with the same arguments are the same, as functions are pure; so they have one body, which is printed once
/// and numbered.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The bodies; first what was traced: the one call that the host forked, or all that it did.
    pub bodies: Vec<Body>,
}

/// What a call does.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The function's exact name; none for what the host did.
    pub name: Option<String>,
    /// A number that tells bodies of one function apart, from 1.
    pub number: usize,
    /// The parameters' names and types, and the arguments. None where one was to come from a future, and did not.
    pub params: Vec<(String, Type, Option<Value>)>,
    /// The types of the results.
    pub results: Vec<Type>,
    /// Forks and waits, in order.
    pub nodes: Vec<Node>,
    /// What the call gave; none if it had not ended, and for the host.
    pub result: Option<Result<Value>>,
    /// The fuel that it used itself.
    pub fuel: u64,
    /// How many calls are the same.
    pub calls: usize,
    /// Whether they did not run, as their result was known: [`Builder::memo`](crate::Builder::memo).
    pub known: bool,
}

/// A fork or a wait.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Makes a future.
    #[non_exhaustive]
    Fork {
        /// The future's number: `%1` is 1.
        future: usize,
        /// What is called: a place in [`Graph::bodies`].
        body: usize,
        /// For each argument that is a future, or made of one: the argument's place, and the future's number.
        futures: Vec<(usize, usize)>,
        /// Where the host forks it.
        site: Option<ForkSite>,
    },
    /// Takes what a future gives.
    #[non_exhaustive]
    Wait {
        /// The number of what it gives.
        value: usize,
        /// The future's number.
        future: usize,
        /// What is waited for: a place in [`Graph::bodies`].
        body: usize,
    },
    /// A fork that was inlined: its body stands in its place, and nobody waits for it. Only after [`Graph::inline`].
    #[non_exhaustive]
    Call {
        /// The number of what it gives.
        value: usize,
        /// What is called: a place in [`Graph::bodies`].
        body: usize,
        /// For each argument that is what another call gave, or made of it: the argument's place, and that call's number.
        futures: Vec<(usize, usize)>,
        /// Where the host forked it.
        site: Option<ForkSite>,
    },
}

impl Trace {
    /// What ran as a graph.
    pub fn graph(&self) -> Graph {
        let (bodies, of) = self.bodies();
        let top = match self.host.as_slice() {
            // One call, and waits for it at most: it is what was traced.
            [first, rest @ ..] if rest.iter().all(|step| step.kind == StepKind::Wait) => Some(of[first.task]),
            _ => None,
        };
        let mut graph = Graph { bodies };
        match top {
            Some(top) => graph.put_first(top),
            None => {
                let host = self.host_body(&of);
                graph.bodies.push(host);
                graph.put_first(graph.bodies.len() - 1);
            }
        }
        graph.number();
        graph
    }

    /// The bodies, in any order, and which is each call's.
    fn bodies(&self) -> (Vec<Body>, Vec<usize>) {
        let mut bodies: Vec<Body> = Vec::new();
        let mut known: HashMap<[u8; 32], usize> = HashMap::new();
        let mut of = vec![0; self.tasks.len()];
        // Children come behind their parents.
        for (place, task) in self.tasks.iter().enumerate().rev() {
            let key = key(task, &of);
            of[place] = *known.entry(key).or_insert_with(|| {
                bodies.push(self.body(task, &of));
                bodies.len() - 1
            });
            bodies[of[place]].calls += 1;
        }
        (bodies, of)
    }

    fn body(&self, task: &Task, of: &[usize]) -> Body {
        let function = self.function(task);
        let params = function.params.iter().zip(&task.args);
        Body {
            name: Some(function.name.clone()),
            number: 0,
            params: params.map(|((name, ty), arg)| (name.clone(), ty.clone(), arg.value.clone())).collect(),
            results: function.results.clone(),
            nodes: self.nodes(&task.steps, of),
            result: task.result.clone(),
            fuel: task.fuel,
            calls: 0,
            known: task.is_known(),
        }
    }

    fn host_body(&self, of: &[usize]) -> Body {
        let nodes = self.nodes(&self.host, of);
        Body {
            name: None,
            number: 0,
            params: vec![],
            results: vec![],
            nodes,
            result: None,
            fuel: 0,
            calls: 1,
            known: false,
        }
    }

    fn nodes(&self, steps: &[super::Step], of: &[usize]) -> Vec<Node> {
        // The future of each call that was forked here.
        let mut futures: HashMap<usize, usize> = HashMap::new();
        let mut nodes = Vec::new();
        for (step, number) in steps.iter().zip(1..) {
            let (task, body) = (&self.tasks[step.task], of[step.task]);
            match step.kind {
                StepKind::Fork => {
                    futures.insert(step.task, number);
                    let from = task.args.iter().enumerate();
                    let from = from.filter_map(|(at, arg)| Some((at, *futures.get(&arg.from?)?)));
                    nodes.push(Node::Fork { future: number, body, futures: from.collect(), site: task.site.clone() });
                }
                StepKind::Wait => {
                    let future = futures.get(&step.task).copied().unwrap_or_default();
                    nodes.push(Node::Wait { value: number, future, body });
                }
            }
        }
        nodes
    }
}

impl Graph {
    /// The same with the body of each call in the place of its fork, and without waits: what a program would do that does not fork.
    ///
    /// Printed, each call is there as often as it was made.
    #[must_use = "the graph itself stays as it is"]
    pub fn inline(&self) -> Graph {
        let mut graph = self.clone();
        for body in &mut graph.bodies {
            let nodes = std::mem::take(&mut body.nodes).into_iter();
            let inlined = nodes.filter_map(|node| match node {
                Node::Fork { future, body, futures, site } => Some(Node::Call { value: future, body, futures, site }),
                Node::Wait { .. } => None,
                call @ Node::Call { .. } => Some(call),
            });
            body.nodes = inlined.collect();
        }
        graph
    }

    /// Puts what was traced first, then what it forks, in the order of the first forks, depth first.
    fn put_first(&mut self, top: usize) {
        let mut order = Vec::with_capacity(self.bodies.len());
        let mut places = vec![usize::MAX; self.bodies.len()];
        let mut pending = vec![top];
        while let Some(body) = pending.pop() {
            if places[body] == usize::MAX {
                places[body] = order.len();
                order.push(body);
                pending.extend(self.bodies[body].nodes.iter().rev().filter_map(Node::forked));
            }
        }
        let mut bodies: Vec<_> = std::mem::take(&mut self.bodies).into_iter().map(Some).collect();
        self.bodies = order.iter().filter_map(|body| bodies[*body].take()).collect();
        for node in self.bodies.iter_mut().flat_map(|body| &mut body.nodes) {
            let (Node::Fork { body, .. } | Node::Wait { body, .. } | Node::Call { body, .. }) = node;
            *body = places[*body];
        }
    }

    fn number(&mut self) {
        let mut numbers: HashMap<Option<String>, usize> = HashMap::new();
        for body in &mut self.bodies {
            let number = numbers.entry(body.name.clone()).or_default();
            *number += 1;
            body.number = *number;
        }
    }
}

impl Node {
    /// The body that is forked.
    fn forked(&self) -> Option<usize> {
        match self {
            Node::Fork { body, .. } | Node::Call { body, .. } => Some(*body),
            Node::Wait { .. } => None,
        }
    }
}

/// What two calls have in common that have one body. `of`: the bodies of what it forks.
fn key(task: &Task, of: &[usize]) -> [u8; 32] {
    let mut digest = Sha256::new();
    let number = |digest: &mut Sha256, number: usize| digest.update((number as u64).to_le_bytes());
    number(&mut digest, task.function);
    digest.update([u8::from(task.is_known())]);
    for arg in &task.args {
        digest.update([u8::from(arg.value.is_some())]);
        if let Some(value) = &arg.value {
            bytes::write(value, &mut digest);
        }
    }
    number(&mut digest, task.steps.len());
    let mut forked = HashMap::new();
    for (step, place) in task.steps.iter().zip(0..) {
        // Of two forks of one body, which is waited for.
        let fork = *forked.entry(step.task).or_insert(place);
        digest.update([u8::from(step.kind == StepKind::Wait)]);
        number(&mut digest, fork);
        number(&mut digest, of[step.task]);
    }
    match &task.result {
        None => digest.update([0]),
        Some(Ok(value)) => {
            digest.update([1]);
            bytes::write(value, &mut digest);
        }
        Some(Err(error)) => {
            digest.update([2]);
            digest.update(text(error));
        }
    }
    digest.finalize().into()
}

/// An error as it is shown, without where it was forked, which is another place for each call.
pub(super) fn text(error: &Error) -> String {
    let at = error.backtrace().first().map(|frame| format!(" at {frame}")).unwrap_or_default();
    format!("{}: {}{at}", error.kind().name(), error.message())
}
