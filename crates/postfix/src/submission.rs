//! Policy delegation for mail that users hand in: one mail, once, without the guarantee.
//!
//! Postfix asks at DATA, when all recipients are known. Its answer `FILTER` changes the route of a mail as a whole, so
//! only a mail with one recipient can be let go: then it names the ordinary transport, over which mail without a
//! guarantee leaves. A mail with several recipients keeps the guarantee for all of them, and no permission is used up.

use std::sync::Arc;

use crate::{
    Error, Result,
    delegation::{Action, Request, Transport},
    maps::address,
    outside::Outside,
    server::{Dialogue, Event, Journal},
};

/// What is spoken over a connection for policy delegation.
pub struct Submission<O> {
    outside: O,
    ordinary: Transport,
    journal: Arc<dyn Journal>,
}

impl<O: Outside> Submission<O> {
    /// Permissions are asked of `outside`, mails are let go over the transport `ordinary`, and `journal` is told of
    /// each.
    #[must_use]
    pub fn new(outside: O, ordinary: Transport, journal: Arc<dyn Journal>) -> Self {
        Self { outside, ordinary, journal }
    }

    /// What Postfix is to do.
    ///
    /// # Errors
    ///
    /// Any, if a permission may have been used up and it is not known.
    pub async fn action(&self, request: &Request) -> Result<Action> {
        let Request { state, instance, user, recipient, recipients, .. } = request;
        if state != "DATA" || *recipients != 1 || user.is_empty() || instance.is_empty() {
            return Ok(Action::Dunno);
        }
        // One that is no address has no permission either.
        let Some(address) = address(recipient) else { return Ok(Action::Dunno) };
        if !self.outside.redeem(user, &address, instance).await? {
            return Ok(Action::Dunno);
        }
        self.journal.note(&Event::OneTime { user, recipient, instance });
        Ok(Action::Filter(self.ordinary.clone()))
    }
}

impl<O> std::fmt::Debug for Submission<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission").field("ordinary", &self.ordinary).finish_non_exhaustive()
    }
}

impl<O: Outside> Dialogue for Submission<O> {
    type Request = Request;

    fn decode(&self, input: &[u8]) -> Result<Option<(Request, usize)>> {
        Request::decode(input)
    }

    async fn answer(&self, request: Request) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let action = self.action(&request).await.unwrap_or_else(|error| {
            self.journal.note(&Event::Doubt { map: "submission", key: &request.recipient, error: &error });
            // The mail keeps the guarantee. Nobody else's mail waits for the settings.
            Action::Dunno
        });
        action.encode(&mut out);
        Some(out)
    }

    /// Nothing: Postfix takes the end of the connection for what it is (SMTPD_POLICY_README).
    fn parting(&self, _error: &Error) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn request(changed: &[(&str, &str)]) -> Request {
        let mut lines = vec![
            ("request", "smtpd_access_policy"),
            ("protocol_state", "DATA"),
            ("instance", "123.456.0"),
            ("sasl_username", "alice"),
            ("sender", "alice@example.com"),
            ("recipient", "bob@example.org"),
            ("recipient_count", "1"),
        ];
        lines.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
        let wire: String = lines.iter().chain(changed).flat_map(|(name, value)| [*name, "=", *value, "\n"]).collect();
        Request::decode(format!("{wire}\n").as_bytes()).unwrap().unwrap().0
    }

    fn submission() -> Submission<World> {
        let world = World::default();
        world.permissions.lock().unwrap().push(("alice".into(), "bob@example.org".into()));
        Submission::new(world, "smtp".parse().unwrap(), Arc::new(|_: &Event<'_>| {}))
    }

    #[tokio::test]
    async fn a_permission_is_for_one_mail() {
        let submission = submission();
        assert_eq!(submission.action(&request(&[])).await.unwrap(), Action::Filter("smtp".parse().unwrap()));
        assert_eq!(submission.action(&request(&[])).await.unwrap(), Action::Dunno);
    }

    #[tokio::test]
    async fn a_permission_is_used_up_by_no_other_mail() {
        let submission = submission();
        for other in [
            [("sasl_username", "mallory")],
            [("sasl_username", "")],
            [("recipient", "carol@example.org")],
            [("recipient", "")],
            [("recipient_count", "2")],
            [("protocol_state", "RCPT")],
            [("instance", "")],
        ] {
            assert!(matches!(submission.action(&request(&other)).await, Ok(Action::Dunno)), "{other:?}");
        }
        assert!(matches!(submission.action(&request(&[])).await, Ok(Action::Filter(_))));
    }
}
