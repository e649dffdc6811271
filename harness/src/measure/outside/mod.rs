//! A service measured from outside, over HTTP, as its users meet it.

mod connection;
pub mod load;
mod pictures;
pub mod probe;
pub mod smoke;
mod target;

pub use self::target::Target;
