//! Bodies of fuzz targets.

use crate::{delegation, netstring, next_hop, socketmap};

/// Octets that claim to come from Postfix: what is read of them is read the same from what is written anew.
pub fn requests(input: &[u8]) {
    if let Ok(Some((payload, taken))) = netstring::decode(input, socketmap::MAX_REQUEST) {
        let mut again = Vec::new();
        netstring::encode(payload, &mut again);
        assert_eq!(input.get(..taken), Some(&*again), "a netstring has another form");
        if let Ok(request) = socketmap::Request::parse(payload) {
            let mut again = Vec::new();
            request.encode(&mut again);
            assert_eq!(input.get(..taken), Some(&*again), "a request has another form");
            // Whatever the key is.
            let _ = next_hop::parse(request.key);
        }
        // A reply is made for any text.
        if let Ok(reply) = socketmap::Reply::parse(payload) {
            let mut out = Vec::new();
            reply.encode(&mut out);
            let read = netstring::decode(&out, socketmap::MAX_REPLY);
            assert!(matches!(read, Ok(Some((_, taken))) if taken == out.len()), "a reply is more than one netstring");
        }
    }
    if let Ok(Some((_, taken))) = delegation::Request::decode(input) {
        assert!(taken <= input.len(), "more was taken than there is");
    }
}
