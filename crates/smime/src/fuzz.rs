//! The bodies of the fuzz targets; no part of the interface. The tests run them over the seeds in `fuzz/seeds`.

pub use crate::mime::fuzz as mime;
