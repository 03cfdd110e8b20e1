//! The bodies of the fuzz targets; no part of the interface. The tests run them over the seeds in `fuzz/seeds`.

pub use crate::{
    ber::fuzz as ber, enveloped::fuzz as enveloped, mime::fuzz as mime, pkcs12::fuzz as pkcs12, signed::fuzz as signed,
};
