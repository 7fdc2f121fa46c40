//! What a call was and gave, in a few digests: two that are equal were of the same call, and gave the same.

use super::model::{StepKind, Trace};
use crate::value::bytes;
use crate::wasi::GivenWorld;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What a call was and gave. Digests are SHA-256, in hexadecimal.
///
/// ```
/// use purefork::{Executor, args};
///
/// let exec = Executor::new()?;
/// let one = exec.load_bytes(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?;
/// let receipt = one.trace("one", args![])?.receipt(0).expect("there is a call");
/// assert_eq!((receipt.function.as_str(), receipt.module.as_str()), ("one", one.digest()));
/// # Ok::<(), purefork::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Of the module's bytes.
    pub module: String,
    /// The function's exact name.
    pub function: String,
    /// Of the arguments.
    pub arguments: String,
    /// Of what the call might use, whether it might import WASI, and what that gave to it. A limit of time is none of it.
    pub configuration: String,
    /// Of what it gave and wrote: a value, or the kind and text of an error, without where it was forked and without offsets of instructions.
    pub result: String,
    /// The fuel that it used itself; none if it failed, as wasmtime does not know it then.
    pub fuel: Option<u64>,
    /// Of the receipts of the calls that it forked and waited for, in order.
    pub forks: String,
}

impl Trace {
    /// The receipt of a call; none if there is no such call.
    pub fn receipt(&self, task: usize) -> Option<Receipt> {
        self.tasks.get(task)?;
        // Children come behind their parents, and the last of them before whatever is no descendant.
        let last = self.last_descendant(task);
        let mut forks: Vec<Sha256> = (task..=last).map(|_| Sha256::new()).collect();
        let mut waited = vec![false; forks.len()];
        for step in self.tasks[task..=last].iter().flat_map(|task| &task.steps) {
            let child = step.task.checked_sub(task).filter(|_| step.kind == StepKind::Wait);
            if let Some(waited) = child.and_then(|child| waited.get_mut(child)) {
                *waited = true;
            }
        }
        for at in (task + 1..=last).rev() {
            let receipt = self.receipt_with(at, &forks[at - task])?;
            // What nobody waited for is given up, sooner or later.
            if let Some(parent) = self.tasks[at].parent
                && waited[at - task]
            {
                forks[parent - task].update(receipt.digest());
            }
        }
        self.receipt_with(task, &forks[0])
    }

    fn last_descendant(&self, task: usize) -> usize {
        let mut within = vec![false; self.tasks.len()];
        within[task] = true;
        let mut last = task;
        for at in task + 1..self.tasks.len() {
            within[at] = self.tasks[at].parent.is_some_and(|parent| within[parent]);
            if !within[at] {
                break;
            }
            last = at;
        }
        last
    }

    fn receipt_with(&self, task: usize, forks: &Sha256) -> Option<Receipt> {
        let task = self.tasks.get(task)?;
        let function = self.function(task);
        let mut arguments = Sha256::new();
        for arg in &task.args {
            arguments.update([u8::from(arg.value.is_some())]);
            if let Some(value) = &arg.value {
                bytes::write(value, &mut arguments);
            }
        }
        let mut configuration = Sha256::new();
        let mut limits = function.limits.clone();
        limits.timeout = None;
        configuration.update(serde_json::to_vec(&(limits, function.wasi)).unwrap_or_default());
        if !function.unknown_imports.is_refuse() {
            configuration.update(b"unknown imports trap");
        }
        if !function.world.is_empty() {
            configuration.update(GivenWorld::new(&function.world).digest);
        }
        let mut result = Sha256::new();
        match &task.result {
            None => result.update([0]),
            Some(Ok(value)) => {
                result.update([1]);
                bytes::write(value, &mut result);
            }
            Some(Err(error)) => {
                result.update([2]);
                result.update(serde_json::to_vec(&error.clone().comparable()).unwrap_or_default());
            }
        }
        if let Some(output) = &task.output {
            result.update(serde_json::to_vec(output).unwrap_or_default());
        }
        Some(Receipt {
            module: function.module.clone(),
            function: function.name.clone(),
            arguments: hexadecimal(arguments),
            configuration: hexadecimal(configuration),
            result: hexadecimal(result),
            fuel: matches!(task.result, Some(Ok(_))).then_some(task.fuel),
            forks: hexadecimal(forks.clone()),
        })
    }
}

impl Receipt {
    /// The digest of the whole receipt.
    pub fn digest(&self) -> String {
        let Receipt { module, function, arguments, configuration, result, fuel, forks } = self;
        let mut digest = Sha256::new();
        for part in [module, function, arguments, configuration, result, forks] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.update(fuel.map_or([0; 9], |fuel| {
            let mut bytes = [1; 9];
            bytes[1..].copy_from_slice(&fuel.to_le_bytes());
            bytes
        }));
        hexadecimal(digest)
    }
}

fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Receipt { module, function, arguments, configuration, result, fuel, forks } = self;
        writeln!(f, "receipt        {}", self.digest())?;
        writeln!(f, "module         {module}")?;
        writeln!(f, "function       {}", crate::escape::escaped(function))?;
        writeln!(f, "arguments      {arguments}")?;
        writeln!(f, "configuration  {configuration}")?;
        writeln!(f, "result         {result}")?;
        writeln!(f, "forks          {forks}")?;
        match fuel {
            Some(fuel) => write!(f, "fuel           {fuel}"),
            None => write!(f, "fuel           not known of a call that failed"),
        }
    }
}
