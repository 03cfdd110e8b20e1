//! What happens to each packet in front of the encrypted data.

use alloc::vec::Vec;
use core::ops::Range;

use super::{
    Disposition, Edit, Outcome, PkeskReport, Refusal, Transform, WildcardPolicy,
    filler::{filler, padding},
    head::Head,
};
use crate::{
    BackendError, Instance, Pkesk, Point, PointRejection, Recipient,
    error::wide,
    packet::{Packet, tag},
    product::multiply_anywhere,
};

/// The changes to a head, in octets of the message without its armor.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Replacements of the same length.
    pub(crate) edits: Vec<Edit>,
    /// Packets to put in front of the message: for session keys to which several instances fit.
    pub(crate) insert: Vec<u8>,
    pub(crate) pkesks: Vec<PkeskReport>,
    pub(crate) skesks_dropped: usize,
}

/// Whether packets can be inserted in front of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    None,
    /// Any number of octets.
    Octets,
    /// Multiples of so many octets: whole lines of armor.
    Multiples(usize),
}

/// One PKESK to be transformed with one instance.
struct Job {
    pkesk: usize,
    instance: usize,
    point: Point,
    result: Result<Point, PointRejection>,
}

/// A PKESK packet, and its fields if they can be read.
pub(crate) struct Parsed<'a> {
    packet: Packet<'a>,
    pkesk: Option<Pkesk<'a>>,
}

/// What becomes of PKESKs, given by their places in a head, where it is not what becomes of them without instances.
type Outcomes = Vec<(usize, Outcome)>;

/// The PKESKs of a head.
pub(crate) fn parse<'h>(head: &Head<'h>) -> Vec<Parsed<'h>> {
    let packets = head.packets.iter().filter(|packet| packet.tag == tag::PKESK);
    packets.map(|packet| Parsed { packet: *packet, pkesk: Pkesk::parse(packet.body).ok() }).collect()
}

impl Parsed<'_> {
    /// Its report without any instance.
    pub(crate) fn untouched(&self) -> PkeskReport {
        self.report(if self.pkesk.is_some() { Outcome::Kept } else { Outcome::Refused(Refusal::Malformed) })
    }

    fn report(&self, outcome: Outcome) -> PkeskReport {
        let pkesk = self.pkesk;
        PkeskReport {
            offset: wide(self.packet.offset),
            version: pkesk.map_or(0, |pkesk| pkesk.version()),
            recipient: pkesk.map(|pkesk| pkesk.recipient()),
            algorithm: pkesk.map_or(0, |pkesk| pkesk.algorithm()),
            curve25519: pkesk.is_some_and(|pkesk| pkesk.point().is_some()),
            outcome,
        }
    }
}

impl Transform<'_> {
    /// Decides on each packet of a head and computes the new points, as many as are left by the limit.
    pub(crate) fn decide(&self, head: &Head<'_>, room: Room, left: &mut usize) -> Result<Changes, BackendError> {
        let parsed = parse(head);
        let (outcomes, mut jobs) = self.assign(&parsed, 0..self.instances.len(), room, left);
        self.run(&mut jobs)?;
        Ok(self.changes(head, &parsed, (outcomes, &jobs), room))
    }

    /// The same for each instance as if it was the only one, with what the limit leaves to it. All points are computed
    /// in one go; the changes are made one by one, so that those of all instances need not be held at once.
    pub(crate) fn decide_each(
        &self,
        head: &Head<'_>,
        parsed: &[Parsed<'_>],
        left: &mut [usize],
    ) -> Result<impl Iterator<Item = Changes>, BackendError> {
        let mut jobs = Vec::new();
        let mut each = Vec::with_capacity(left.len());
        for (instance, left) in left.iter_mut().enumerate() {
            let (outcomes, more) = self.assign(parsed, instance..instance + 1, Room::None, left);
            each.push((outcomes, jobs.len()..jobs.len() + more.len()));
            jobs.extend(more);
        }
        self.run(&mut jobs)?;
        let changes = move |(outcomes, own)| {
            self.changes(head, parsed, (outcomes, jobs.get::<Range<usize>>(own).unwrap_or_default()), Room::None)
        };
        Ok(each.into_iter().map(changes))
    }

    /// What these instances change in what becomes of each PKESK if all goes well, and what is to be computed for it;
    /// both in the order of the PKESKs.
    fn assign(
        &self,
        parsed: &[Parsed<'_>],
        instances: Range<usize>,
        room: Room,
        left: &mut usize,
    ) -> (Outcomes, Vec<Job>) {
        let mut jobs = Vec::new();
        let mut outcomes = Vec::new();
        for (place, parsed) in parsed.iter().enumerate() {
            let Some(pkesk) = parsed.pkesk else { continue };
            match self.candidates(&pkesk, instances.clone(), room, *left) {
                Ok((point, instances)) => {
                    *left -= instances.len();
                    let job = |&instance: &usize| Job { pkesk: place, instance, point, result: Ok(point) };
                    jobs.extend(instances.iter().map(job));
                    outcomes.push((place, Outcome::Transformed { instances }));
                }
                Err(Outcome::Kept) => {}
                Err(outcome) => outcomes.push((place, outcome)),
            }
        }
        (outcomes, jobs)
    }

    /// The instances for a PKESK, or what else becomes of it.
    fn candidates(
        &self,
        pkesk: &Pkesk<'_>,
        among: Range<usize>,
        room: Room,
        left: usize,
    ) -> Result<(Point, Vec<usize>), Outcome> {
        let named = |(_, instance): &(usize, &Instance)| pkesk.recipient().may_be(&instance.forwarder());
        let among = among.clone().zip(self.instances.get(among).unwrap_or_default());
        let mut named = among.filter(named).peekable();
        if named.peek().is_none() {
            return Err(Outcome::Kept);
        }
        let Some(point) = pkesk.point() else {
            let hidden = pkesk.recipient() == Recipient::Hidden;
            return Err(if hidden { Outcome::Kept } else { Outcome::Refused(Refusal::NotCurve25519) });
        };
        let mut instances = Vec::new();
        let mut not_valid = None;
        for (place, instance) in named {
            match instance.check_time(self.now) {
                Ok(()) => instances.push(place),
                Err(why) => not_valid = Some(Refusal::NotValid(why)),
            }
        }
        match (instances.len(), not_valid) {
            (0, Some(refusal)) => Err(Outcome::Refused(refusal)),
            (2.., _) if room == Room::None => Err(Outcome::Refused(Refusal::NoRoom)),
            (n, _) if n > left => Err(Outcome::Refused(Refusal::ProductLimit)),
            _ => Ok((point, instances)),
        }
    }

    /// Computes the new points, all in one go.
    fn run(&self, jobs: &mut [Job]) -> Result<(), BackendError> {
        let pairs: Vec<_> =
            jobs.iter().filter_map(|job| Some((self.instances.get(job.instance)?.factor(), job.point))).collect();
        let results = multiply_anywhere(&pairs, self.policy.point)?;
        jobs.iter_mut().zip(results).for_each(|(job, result)| job.result = result);
        Ok(())
    }

    fn changes(
        &self,
        head: &Head<'_>,
        parsed: &[Parsed<'_>],
        (outcomes, jobs): (Outcomes, &[Job]),
        room: Room,
    ) -> Changes {
        let mut changes = Changes { pkesks: parsed.iter().map(Parsed::untouched).collect(), ..Changes::default() };
        let mut rest = jobs;
        for (place, outcome) in outcomes {
            let own;
            (own, rest) = rest.split_at(rest.iter().take_while(|job| job.pkesk == place).count());
            let (Some(Parsed { packet, pkesk }), Some(report)) = (parsed.get(place), changes.pkesks.get_mut(place))
            else {
                continue;
            };
            report.outcome = outcome;
            let (Some(pkesk), [first, more @ ..]) = (pkesk, own) else { continue };
            match first.result {
                Ok(point) => {
                    changes.edits.extend(self.edits(packet, pkesk, first.instance, point));
                    more.iter().for_each(|job| changes.insert.extend(self.copy(packet, pkesk, job)));
                }
                Err(why) => report.outcome = Outcome::Refused(Refusal::Point(why)),
            }
        }
        if !changes.edits.is_empty() {
            self.drop_others(head, &mut changes);
        }
        if let (Room::Multiples(unit), false) = (room, changes.insert.is_empty()) {
            changes.insert.extend(filler(padding(changes.insert.len(), unit)));
        }
        changes.edits.sort_by_key(|edit| edit.offset);
        changes
    }

    /// The edits that give a packet to the forwardee of an instance.
    fn edits(&self, packet: &Packet<'_>, pkesk: &Pkesk<'_>, instance: usize, point: Point) -> Vec<Edit> {
        let forwardee = self.instances.get(instance).map(Instance::forwardee);
        let recipient = match (pkesk.recipient(), forwardee) {
            (Recipient::KeyId(_), Some(to)) => to.key_id().as_bytes().to_vec(),
            (Recipient::Fingerprint(_), Some(to)) => to.as_bytes().to_vec(),
            (Recipient::Hidden, Some(to))
                if self.policy.wildcard == WildcardPolicy::Rewrite && pkesk.version() == 3 =>
            {
                to.key_id().as_bytes().to_vec()
            }
            _ => Vec::new(),
        };
        let at = |field: usize| wide(packet.body_at + field);
        [(pkesk.recipient_at(), recipient), (pkesk.point_at().unwrap_or_default(), point.as_bytes().to_vec())]
            .into_iter()
            .filter(|(_, bytes)| !bytes.is_empty())
            .map(|(field, bytes)| Edit::replace(at(field), bytes))
            .collect()
    }

    /// A whole packet, header included, for a further instance.
    fn copy(&self, packet: &Packet<'_>, pkesk: &Pkesk<'_>, job: &Job) -> Vec<u8> {
        let Ok(point) = job.result else { return Vec::new() };
        let mut copy = packet.whole.to_vec();
        for edit in self.edits(packet, pkesk, job.instance, point) {
            edit.apply(wide(packet.offset), &mut copy);
        }
        copy
    }

    /// Overwrites what the policy wants dropped.
    fn drop_others(&self, head: &Head<'_>, changes: &mut Changes) {
        if self.policy.others == Disposition::Keep && self.policy.skesks == Disposition::Keep {
            return;
        }
        let mut reports = changes.pkesks.iter_mut();
        for packet in &head.packets {
            // There is a report for each PKESK, in their order.
            let report = if packet.tag == tag::PKESK { reports.next() } else { None };
            let policy = match (&report, packet.tag) {
                (Some(report), _) if report.outcome == Outcome::Kept => self.policy.others,
                (None, tag::SKESK) => self.policy.skesks,
                _ => Disposition::Keep,
            };
            if policy == Disposition::Drop {
                changes.edits.push(Edit::replace(wide(packet.offset), filler(packet.whole.len())));
                match report {
                    Some(report) => report.outcome = Outcome::Dropped,
                    None => changes.skesks_dropped += 1,
                }
            }
        }
    }
}
