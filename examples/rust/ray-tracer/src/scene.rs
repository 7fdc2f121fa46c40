//! What is seen: mirroring spheres over a chequered floor, in the light of one lamp.

use std::ops::{Add, Mul, Sub};

use crate::ray_tracer::Tile;

/// How often a ray is mirrored before it is given up.
const BOUNCES: u32 = 5;

const LAMP: Vector = Vector(-4.0, 6.0, -3.0);

const SPHERES: [Sphere; 4] = [
    Sphere { centre: Vector(0.0, 1.0, 4.0), radius: 1.0, colour: Vector(0.9, 0.3, 0.25), mirror: 0.35 },
    Sphere { centre: Vector(-2.1, 0.8, 4.8), radius: 0.8, colour: Vector(0.3, 0.55, 0.9), mirror: 0.3 },
    Sphere { centre: Vector(1.9, 0.7, 3.4), radius: 0.7, colour: Vector(0.35, 0.8, 0.4), mirror: 0.25 },
    Sphere { centre: Vector(0.6, 0.35, 2.5), radius: 0.35, colour: Vector(0.95, 0.8, 0.3), mirror: 0.5 },
];

/// A point, a direction, or a colour.
#[derive(Clone, Copy)]
struct Vector(f64, f64, f64);

struct Sphere {
    centre: Vector,
    radius: f64,
    colour: Vector,
    /// The part of the light that is mirrored.
    mirror: f64,
}

/// Where a ray meets something.
struct Hit {
    distance: f64,
    point: Vector,
    normal: Vector,
    colour: Vector,
    mirror: f64,
}

/// The pixels of a tile: red, green, blue, row by row.
pub(crate) fn pixels(tile: &Tile) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(3 * (tile.width * tile.height) as usize);
    let scale = f64::from(tile.image_width.min(tile.image_height));
    for y in tile.y..tile.y + tile.height {
        for x in tile.x..tile.x + tile.width {
            let across = (2.0 * f64::from(x) + 1.0 - f64::from(tile.image_width)) / scale;
            let up = (f64::from(tile.image_height) - 2.0 * f64::from(y) - 1.0) / scale;
            let Vector(red, green, blue) = trace(Vector(0.0, 1.2, -1.5), Vector(across, up, 2.0).unit(), BOUNCES);
            // A square root for the curve of a screen: exact on every machine, as a power is not.
            pixels.extend([red, green, blue].map(|light| (light.clamp(0.0, 1.0).sqrt() * 255.0).round() as u8));
        }
    }
    pixels
}

/// The light that comes along a ray.
fn trace(from: Vector, direction: Vector, bounces: u32) -> Vector {
    let Some(hit) = nearest(from, direction) else {
        let height = direction.1.max(0.0);
        return Vector(0.55, 0.7, 0.9) * (1.0 - 0.6 * height);
    };
    let to_lamp = LAMP - hit.point;
    let distance = to_lamp.dot(to_lamp).sqrt();
    let to_lamp = to_lamp * (1.0 / distance);
    let above = hit.point + hit.normal * 1e-6;
    let shadow = nearest(above, to_lamp).is_some_and(|between| between.distance < distance);
    let light = if shadow { 0.12 } else { 0.12 + 0.88 * hit.normal.dot(to_lamp).max(0.0) };
    let own = hit.colour * light;
    if bounces == 0 || hit.mirror == 0.0 {
        return own;
    }
    let mirrored = direction - hit.normal * (2.0 * direction.dot(hit.normal));
    own * (1.0 - hit.mirror) + trace(above, mirrored, bounces - 1) * hit.mirror
}

fn nearest(from: Vector, direction: Vector) -> Option<Hit> {
    let hits = SPHERES.iter().filter_map(|sphere| sphere.hit(from, direction)).chain(floor(from, direction));
    hits.min_by(|a, b| a.distance.total_cmp(&b.distance))
}

fn floor(from: Vector, direction: Vector) -> Option<Hit> {
    let distance = -from.1 / direction.1;
    let point = from + direction * distance;
    let seen = distance > 1e-6 && distance < 60.0;
    let dark = ((point.0 + 0.4).floor() + point.2.floor()).rem_euclid(2.0) == 0.0;
    let colour = if dark { Vector(0.15, 0.15, 0.17) } else { Vector(0.85, 0.85, 0.8) };
    seen.then_some(Hit { distance, point, normal: Vector(0.0, 1.0, 0.0), colour, mirror: 0.15 })
}

impl Sphere {
    fn hit(&self, from: Vector, direction: Vector) -> Option<Hit> {
        let offset = from - self.centre;
        let half = offset.dot(direction);
        let root = half * half - offset.dot(offset) + self.radius * self.radius;
        if root < 0.0 {
            return None;
        }
        let distance = [-half - root.sqrt(), -half + root.sqrt()].into_iter().find(|distance| *distance > 1e-6)?;
        let point = from + direction * distance;
        let normal = (point - self.centre) * (1.0 / self.radius);
        Some(Hit { distance, point, normal, colour: self.colour, mirror: self.mirror })
    }
}

impl Vector {
    fn dot(self, other: Vector) -> f64 {
        self.0 * other.0 + self.1 * other.1 + self.2 * other.2
    }

    fn unit(self) -> Vector {
        self * (1.0 / self.dot(self).sqrt())
    }
}

impl Add for Vector {
    type Output = Vector;
    fn add(self, other: Vector) -> Vector {
        Vector(self.0 + other.0, self.1 + other.1, self.2 + other.2)
    }
}

impl Sub for Vector {
    type Output = Vector;
    fn sub(self, other: Vector) -> Vector {
        self + other * -1.0
    }
}

impl Mul<f64> for Vector {
    type Output = Vector;
    fn mul(self, factor: f64) -> Vector {
        Vector(self.0 * factor, self.1 * factor, self.2 * factor)
    }
}
