//! A WIT written by hand: the bindings are the module's, and its forks have the WIT's methods.

use by_hand::wit::example::by_hand::shapes::Point;
use purefork_guest::Tensor;

#[purefork_guest::module(wit = "tests/wit", world = "example")]
mod by_hand {
    use super::Tensor;
    use wit::example::by_hand::shapes::Point;

    extern "purefork" {
        fn greet(name: String) -> String;
    }

    pub fn double(n: u32) -> u32 {
        assert!(n != 13, "unlucky");
        2 * n
    }

    pub fn mirror(points: Vec<Point>) -> Vec<Point> {
        assert!(!points.is_empty(), "no points");
        points.into_iter().map(|point| Point { x: point.y, y: point.x }).collect()
    }

    pub fn sum(x: Tensor) -> f32 {
        x.elements::<f32>().unwrap().iter().sum()
    }

    pub fn run(n: u32) -> u32 {
        let tensor = Tensor::new(&[2], &[1f32, 2.0]).unwrap();
        let (double, sum) = (fork::double(n), fork::sum(tensor));
        let greeting = fork::greet("you".to_owned());
        drop(greeting);
        double.wait() + sum.try_wait().unwrap_or(0.0) as u32
    }

    pub(crate) fn mirrored(points: Vec<Point>) -> Result<Vec<Point>, String> {
        fork::mirror(points).try_wait()
    }
}

#[test]
fn the_module_is_plain_rust_natively() {
    assert_eq!(by_hand::run(4), 11);
}

#[test]
fn a_wait_that_gives_a_result_is_the_future_s_try_wait() {
    let mirrored = by_hand::mirrored(vec![Point { x: 1.0, y: 2.0 }]).unwrap();
    assert_eq!((mirrored[0].x, mirrored[0].y), (2.0, 1.0));
    assert_eq!(by_hand::mirrored(vec![]).unwrap_err(), "no points");
}
