//! Tests of SignedData.

mod vectors;

use super::*;
