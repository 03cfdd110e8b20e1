#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "ca")]
pub use sealpost_ca as ca;
#[cfg(feature = "mail")]
pub use sealpost_mail as mail;
#[cfg(feature = "postfix")]
pub use sealpost_postfix as postfix;
#[cfg(feature = "pre")]
pub use sealpost_pre as pre;
#[cfg(feature = "pre-sequoia")]
pub use sealpost_pre_sequoia as pre_sequoia;
#[cfg(feature = "rollover")]
pub use sealpost_rollover as rollover;
#[cfg(feature = "smime")]
pub use sealpost_smime as smime;
#[cfg(feature = "smime-forwarding")]
pub use sealpost_smime_forwarding as smime_forwarding;
#[cfg(feature = "store")]
pub use sealpost_store as store;
#[cfg(feature = "tls-policy")]
pub use sealpost_tls_policy as tls_policy;
