//! A WIT written by hand: the bindings are the module's, and its forks have the WIT's methods.

use purefork_guest::Tensor;

#[purefork_guest::module(wit = "wit", world = "example")]
mod by_hand {
    use super::Tensor;
    use std::sync::OnceLock;
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
        let failed = mirrored(vec![]).is_err() as u32;
        let _ = fork::mirror(vec![Point { x: 1.0, y: 1.0 }]).wait();
        double.wait() + failed * 100 + sum.try_wait().unwrap_or(0.0) as u32
    }

    static LOADED: OnceLock<Vec<u8>> = OnceLock::new();

    #[init]
    pub fn load(bytes: Vec<u8>) -> Result<(), String> {
        LOADED.set(bytes).map_err(|_| "loaded already".to_owned())
    }

    pub fn loaded() -> Vec<u8> {
        LOADED.get().cloned().unwrap_or_default()
    }

    #[allow(dead_code)]
    fn mirrored(points: Vec<Point>) -> Result<Vec<Point>, String> {
        fork::mirror(points).try_wait()
    }
}

