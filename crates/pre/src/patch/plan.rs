//! Planning: one look at a message, and a patch for each instance.

use alloc::{vec, vec::Vec};

use super::{Message, Patch};
use crate::{
    BackendError, Error, Limits, Outcome, PkeskReport, Refusal, Report, Result, Transform,
    rewrite::{Changes, Decide, Head, Parsed, Pass, Room, parse},
};

/// The patches for an input.
#[derive(Debug)]
#[non_exhaustive]
pub struct Patches {
    /// One for each instance, in the order of the list given to [`Transform::new`].
    pub each: Vec<Planned>,
    /// What is in the input. A session key is [`Outcome::Transformed`] with all the instances whose patches transform
    /// it; where there are none its outcome is that of the first instance for which it was not just kept.
    pub report: Report,
}

/// The patch of one instance.
#[derive(Debug)]
#[non_exhaustive]
pub struct Planned {
    /// The patch. Where nothing is transformed it changes nothing.
    pub patch: Patch,
    /// What it does to the session keys that concern the instance, in the order of the input. Those that it keeps and
    /// those that can't be read ([`Refusal::Malformed`]) are in [`Patches::report`] alone.
    pub pkesks: Vec<PkeskReport>,
}

impl Planned {
    /// How many PKESKs the patch transforms.
    #[must_use]
    pub fn transformed(&self) -> usize {
        self.pkesks.iter().filter(|pkesk| matches!(pkesk.outcome, Outcome::Transformed { .. })).count()
    }
}

impl Transform<'_> {
    /// Plans the changes to a message from its first octets: for each instance a patch, as if it was the only one.
    ///
    /// The head is read once, and all points are computed in one go. [`Limits::products`] holds for each instance: the
    /// input does not choose how many there are. [`Limits::session_keys`] holds for the whole input, not only for each
    /// message in it.
    ///
    /// A patch is for the messages whose heads are among the octets given. Of a binary input that is all there can be;
    /// in a text or a mail there may be further ones, and then the patch does not apply
    /// ([`Error::PatchMismatch`]): to be sure give all of it, here or to [`Self::plan_each_from`].
    ///
    /// # Errors
    ///
    /// [`Error::Incomplete`] where not all session keys of the first message have been given; [`Error::Limit`] where
    /// the input has more session keys than the limit, also in a text or a mail; [`Error::Backend`] where a factor that
    /// is kept elsewhere can't be asked: then there is no patch for the other instances either; all others that
    /// [`Rewriter::step`](crate::Rewriter::step) has.
    pub fn plan_each(&self, first: &[u8]) -> Result<Patches> {
        let mut planner = Planner::new(self);
        let mut pass = Pass::new(Room::None, 0);
        pass.first(&mut planner, first, &mut Vec::new())?;
        match pass.into_report() {
            report if report.messages.is_empty() => Err(Error::Incomplete { needed: first.len() + 1 }),
            report => Ok(planner.patches(report)),
        }
    }

    /// The same for a whole input from a reader, of which no more is held than [`Self::stream`] does. An input that
    /// starts with a binary message is read no further than its head.
    ///
    /// The patches are held beside it. For each instance they take up to some 150 octets for each message, which may be
    /// 1024, and some 300 for each session key that concerns it: that is at most [`Limits::session_keys`], or fewer
    /// where the input does not name its forwarder. With [`Disposition::Drop`](crate::Disposition::Drop) each session
    /// key concerns it, with all its octets.
    ///
    /// # Errors
    ///
    /// [`Error::Read`]; all that [`Self::plan_each`] and [`Self::stream`] have, except for what is wrong behind the
    /// head of a binary message.
    #[cfg(feature = "std")]
    pub fn plan_each_from(&self, from: impl std::io::Read) -> Result<Patches> {
        let mut planner = Planner::new(self);
        let report = crate::rewrite::look(Pass::new(Room::None, 0), &mut planner, from)?;
        Ok(planner.patches(report))
    }
}

/// Decides for each instance, and changes nothing.
struct Planner<'t> {
    transform: &'t Transform<'t>,
    /// How many multiplications are left for each instance.
    left: Vec<usize>,
    /// How many session keys the rest of the input may have; `None` once there were more.
    session_keys: Option<usize>,
    each: Vec<Planned>,
}

impl<'t> Planner<'t> {
    fn new(transform: &'t Transform<'t>) -> Self {
        let limits = transform.limits;
        let planned = |_| Planned { patch: Patch { messages: Vec::new(), limits }, pkesks: Vec::new() };
        let instances = transform.instances.len();
        Self {
            transform,
            left: vec![limits.products; instances],
            session_keys: Some(limits.session_keys),
            each: (0..instances).map(planned).collect(),
        }
    }

    fn patches(self, report: Report) -> Patches {
        Patches { each: self.each, report }
    }
}

impl Decide for Planner<'_> {
    fn limits(&self) -> &Limits {
        &self.transform.limits
    }

    fn decide(&mut self, head: &Head<'_>, _: Room, _: &mut usize) -> Result<Changes, BackendError> {
        self.session_keys = self.session_keys.and_then(|left| left.checked_sub(head.packets.len()));
        if self.session_keys.is_none() {
            return Ok(Changes::default());
        }
        let (message, parsed) = (Message::new(head, Vec::new()), parse(head));
        let mut all = Changes { pkesks: parsed.iter().map(Parsed::untouched).collect(), ..Changes::default() };
        for (planned, changes) in self.each.iter_mut().zip(self.transform.decide_each(head, &parsed, &mut self.left)?) {
            all.skesks_dropped = all.skesks_dropped.max(changes.skesks_dropped);
            all.pkesks.iter_mut().zip(&changes.pkesks).for_each(|(all, one)| all.outcome.join(&one.outcome));
            planned.patch.messages.push(Message { edits: changes.edits, ..message.clone() });
            planned.pkesks.extend(changes.pkesks.into_iter().filter(|pkesk| pkesk.outcome.concerns()));
        }
        Ok(all)
    }

    fn objection(&self) -> Option<Error> {
        let limit = self.limits().session_keys;
        self.session_keys.is_none().then_some(Error::Limit { what: "encrypted session keys in one input", limit })
    }
}

impl Outcome {
    /// Whether it is due to an instance.
    fn concerns(&self) -> bool {
        !matches!(self, Self::Kept | Self::Refused(Refusal::Malformed))
    }

    /// Takes in the outcome with a further instance.
    fn join(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Transformed { instances }, Self::Transformed { instances: more }) => instances.extend(more),
            (Self::Transformed { .. }, _) => {}
            (_, Self::Transformed { .. }) | (Self::Kept, _) => self.clone_from(other),
            _ => {}
        }
    }
}
