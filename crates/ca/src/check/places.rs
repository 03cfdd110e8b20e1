//! Where a certificate says that more is to be found, and what it says about its authority (section 7.1.2.3).

use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use super::{Findings, Rule, view::View};
use crate::oid;

pub(super) fn judge(view: &View<'_>, findings: &mut Findings) {
    points(view, findings);
    if let Some(access) = &view.access {
        let places = access.0.iter().map(|description| &description.access_location);
        if !places.into_iter().all(is_http) || view.is_critical(oid::AUTHORITY_INFO_ACCESS) {
            findings.add(Rule::AuthorityPlace, "more about its authority is not at addresses of HTTP, or is critical");
        }
    }
    if view.constraints.as_ref().is_some_and(|found| found.ca || found.path_len_constraint.is_some()) {
        findings.add(Rule::NoAuthority, "it is an authority's, or has a path length like one");
    }
    let authority = view.authority_key.as_ref();
    if authority.is_none_or(|id| id.key_identifier.is_none()) || view.is_critical(oid::AUTHORITY_KEY_ID) {
        findings.add(Rule::AuthorityKey, "it does not name its authority's key, or as critical");
    }
    // The number of a certificate of its authority would tie it to that one (section 7.1.2.3 g).
    if authority.is_some_and(|id| id.authority_cert_issuer.is_some() || id.authority_cert_serial_number.is_some()) {
        findings.add(Rule::AuthorityKey, "it names its authority's certificate");
    }
}

fn points(view: &View<'_>, findings: &mut Findings) {
    let Some(points) = &view.points else {
        return findings.add(Rule::RevocationList, "it does not say where its revocation list is");
    };
    let http = |name: &Option<DistributionPointName>| match name {
        Some(DistributionPointName::FullName(names)) => !names.is_empty() && names.iter().all(is_http),
        _ => false,
    };
    let sound = !points.0.is_empty() && points.0.iter().all(|point| http(&point.distribution_point));
    if !sound || view.is_critical(oid::CRL_DISTRIBUTION_POINTS) {
        findings.add(Rule::RevocationPlace, "its revocation list is not at addresses of HTTP, or is critical");
    }
}

fn is_http(name: &GeneralName) -> bool {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => {
            uri.as_str().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
        }
        _ => false,
    }
}
