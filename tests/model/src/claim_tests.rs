//! A call is run by whoever takes its arguments; others withdraw it, or cancel it. Each of them goes on as a call does, with the
//! place of its result: the host library's own [`Claim`] and [`Once`].

use super::claim::Claim;
use super::once::Once;
use loom::sync::Arc;
use loom::thread;

/// How a call has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ran,
    Refused,
    Cancelled,
}

struct Call {
    args: Claim<Option<Box<u32>>>,
    result: Once<End>,
}

/// What one of those who met at a call has done.
#[derive(Debug, Default)]
struct Did {
    took: bool,
    completed: bool,
    told_to_stop: bool,
}

impl Call {
    fn new() -> Arc<Call> {
        Arc::new(Call { args: Claim::new(Some(Box::new(7))), result: Once::new() })
    }

    /// Takes the arguments, which are there for whoever gets them.
    fn take(&self) -> bool {
        let taken = self.args.take().map(|args| args.take().expect("nobody else had them"));
        taken.is_some_and(|args| *args == 7)
    }

    fn run(&self) -> Did {
        let took = self.take();
        Did { took, completed: took && self.result.write(End::Ran).is_ok(), told_to_stop: false }
    }

    fn withdraw(&self) -> Did {
        let took = self.take();
        Did { took, completed: took && self.result.write(End::Refused).is_ok(), told_to_stop: false }
    }

    fn cancel(&self) -> Did {
        let took = self.take();
        let completed = self.result.write(End::Cancelled).is_ok();
        Did { took, completed, told_to_stop: completed && !took }
    }

    /// Has all of them meet, each on a thread of its own, and looks at what each has done.
    fn meet(by: &'static [fn(&Call) -> Did], check: impl Fn(&[Did], End) + Sync + Send + 'static) {
        loom::model(move || {
            let call = Call::new();
            let others: Vec<_> = by[1..]
                .iter()
                .map(|one| {
                    let call = call.clone();
                    thread::spawn(move || one(&call))
                })
                .collect();
            let mut did = vec![by[0](&call)];
            assert!(call.args.is_taken());
            did.extend(others.into_iter().map(|other| other.join().unwrap()));
            assert_eq!(did.iter().filter(|did| did.took).count(), 1, "one has the arguments: {did:?}");
            assert_eq!(did.iter().filter(|did| did.completed).count(), 1, "one completes the call: {did:?}");
            check(&did, *call.result.get().expect("whoever is done with it leaves a result"));
        });
    }
}

#[test]
fn of_those_who_run_withdraw_and_cancel_a_call_one_does() {
    Call::meet(&[Call::run, Call::withdraw, Call::cancel], |did, end| {
        let [run, withdrawn, cancelled] = did else { unreachable!() };
        // Cancelling overtakes whoever has begun; then that one is told to stop.
        assert_eq!(cancelled.told_to_stop, cancelled.completed && (run.took || withdrawn.took), "{did:?}");
        let expected = match end {
            End::Ran => run,
            End::Refused => withdrawn,
            End::Cancelled => cancelled,
        };
        assert!(expected.completed, "{end:?}: {did:?}");
    });
}

#[test]
fn of_two_who_run_a_call_one_does() {
    Call::meet(&[Call::run, Call::run], |_, end| assert_eq!(end, End::Ran));
}

#[test]
fn of_two_who_cancel_a_call_one_does_and_nobody_runs_it_after() {
    Call::meet(&[Call::cancel, Call::cancel], |did, end| {
        assert_eq!(end, End::Cancelled);
        assert!(did.iter().all(|did| did.took || !did.completed || did.told_to_stop));
    });
}

/// One holds the call, and then answers it or lets go of it and runs it; another comes meanwhile.
fn held(answers: bool, other: fn(&Call) -> Did) {
    loom::model(move || {
        let call = Call::new();
        let met = call.clone();
        let other = thread::spawn(move || other(&met));
        let seen = call.args.hold(|args| **args.as_ref().expect("nobody has taken them"));
        let took = match seen {
            Some(seen) => {
                assert_eq!(seen, 7);
                if answers {
                    call.args.take_held().map(|args| args.take().expect("nobody else had them")).is_some()
                } else {
                    call.args.let_go();
                    call.take()
                }
            }
            None => false,
        };
        if took {
            let _ = call.result.write(End::Ran);
        }
        let did = other.join().unwrap();
        assert!(!(took && did.took), "one has the arguments: {did:?}");
        assert!(!answers || took == seen.is_some(), "who holds them can take them");
        assert!(took || did.took, "nobody holds them for ever");
    });
}

#[test]
fn who_holds_a_call_answers_it_or_lets_others_run_it() {
    for answers in [false, true] {
        for other in [Call::run, Call::withdraw, Call::cancel] {
            held(answers, other);
        }
    }
}
