//! Three nodes, a store, an authority, and time.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
};

use sealpost_rollover::{
    FirstKey, GenerationId, Policy, Result, SecondPlace, Slot, Span, Subject, SubjectId, SubjectState, Time,
    alarm::Level,
    driver::{Alarm, Alarms, Driver, Nobody, TickReport},
    memory::{MemoryStore, SecondMode},
    port::{KeyName, KeyStore},
    testing::{
        authority::{Faults, SimulatedAuthority},
        clock::ManualClock,
        crashing::{Blow, Crashing, Fate},
        dice::Dice,
        run,
        workshop::SimulatedWorkshop,
    },
};

use super::watch::{Gap, Watch};
use crate::{Figures, START};

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) policy: Policy,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) faults: Faults,
    /// By how much each node's clock is fast.
    pub(crate) skews: Vec<Span>,
    pub(crate) per_hour: u32,
    pub(crate) lifetime: Span,
    /// At how many of 100 ticks a blow is prepared.
    pub(crate) chaos: u8,
}

type Struck = Driver<Crashing<MemoryStore>, Crashing<SimulatedAuthority>, Crashing<SimulatedWorkshop>, Nobody, Ears>;

type Tick = Pin<Box<dyn Future<Output = Result<TickReport>> + Send>>;

pub(crate) struct Node {
    driver: Arc<Struck>,
    pub(crate) fate: Fate,
    /// It stands still in the middle of this.
    stopped: Option<Tick>,
    /// Until it starts again, or goes on.
    down_until: Time,
}

/// An alarm that was heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Time,
    pub(crate) subject: SubjectId,
    pub(crate) slot: Slot,
    pub(crate) level: Level,
    pub(crate) affected_at: Time,
}

#[derive(Clone)]
struct Ears(ManualClock, Arc<Mutex<Vec<Heard>>>);

impl Alarms for Ears {
    async fn raise(&self, alarm: &Alarm<'_>) -> Result<(), String> {
        let Alarm { subject, slot, level, affected_at, .. } = *alarm;
        let heard = Heard { at: self.0.now(), subject: subject.id, slot, level, affected_at };
        self.1.lock().unwrap().push(heard);
        Ok(())
    }
}

pub(crate) struct World {
    plan: Plan,
    dice: Dice,
    pub(crate) clock: ManualClock,
    store: MemoryStore,
    pub(crate) authority: SimulatedAuthority,
    ears: Ears,
    pub(crate) nodes: Vec<Node>,
    pub(crate) watch: Watch,
    figures: Figures,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let clock = ManualClock::new(START);
        let store = MemoryStore::new(clock.clone());
        if plan.policy.second_place == SecondPlace::Required {
            store.second_place(SecondMode::Working);
        }
        let authority = SimulatedAuthority::new(clock.clone(), plan.per_hour, plan.lifetime, plan.faults.clone());
        let workshop = SimulatedWorkshop::new(plan.seed);
        let ears = Ears(clock.clone(), Arc::default());
        let node = |(index, &skew): (usize, &Span)| {
            let fate = Fate::default();
            // The world passes over times in which nothing is due.
            let mut policy = plan.policy.clone();
            policy.max_jump = Span::days(30);
            let driver = Driver::new(
                Arc::new(Crashing::new(store.clone(), fate.clone()).skewed(skew)),
                Arc::new(Crashing::new(authority.clone(), fate.clone())),
                Arc::new(Crashing::new(workshop.clone(), fate.clone())),
                policy,
                format!("node {index}"),
            );
            Node { driver: Arc::new(driver.telling(Nobody, ears.clone())), fate, stopped: None, down_until: START }
        };
        let nodes: Vec<Node> = plan.skews.iter().enumerate().map(node).collect();
        for subject in &plan.subjects {
            run(store.enroll(subject, "admin")).unwrap().unwrap();
            if plan.policy.first_key == FirstKey::OnDemand {
                run(nodes[0].driver.issue_now(subject.id, "admin")).unwrap().unwrap();
            }
        }
        let (plan, dice) = (plan.clone(), Dice::new(plan.seed ^ 0x7157));
        let (watch, figures) = (Watch::default(), Figures::default());
        Self { plan, dice, clock, store, authority, ears, nodes, watch, figures }
    }

    pub(crate) fn live(&mut self, end: Time) {
        while self.clock.now() < end {
            let now = self.clock.now();
            let index = usize::try_from(self.dice.below(self.nodes.len().try_into().unwrap())).unwrap();
            if self.nodes[index].down_until <= now {
                self.tick(index);
            }
            let listed = run(self.store.list(None, 10)).unwrap().unwrap();
            let due = listed.iter().map(|listed| listed.wake.at).min().unwrap_or(Time::NEVER);
            let next = if due > now {
                // Nodes tick often; nothing happens before it is due. Too long a jump would freeze them.
                (due + self.dice.span(Span::minutes(5))).min(now + Span::days(4))
            } else {
                now + Span::seconds(20) + self.dice.span(Span::minutes(15))
            };
            let next = next.min(end);
            for listed in &listed {
                self.watch.see(&listed.state, now, next);
            }
            self.clock.set(next);
        }
    }

    fn tick(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if self.dice.hits(self.plan.chaos) {
            node.fate.strike(self.dice.below(40), self.dice.pick(&Blow::ALL).unwrap());
        }
        if self.plan.chaos > 0 && self.dice.roll().is_multiple_of(2_000) {
            let whose = self.dice.below(self.plan.subjects.len().try_into().unwrap());
            let subject = self.plan.subjects[usize::try_from(whose).unwrap()].id;
            if let Some(Err(_)) | None = run(node.driver.issue_now(subject, "admin")) {
                self.figures.failures += 1;
            }
        }
        self.figures.ticks += 1;
        let driver = Arc::clone(&node.driver);
        node.fate.go_on();
        let went_on = node.stopped.is_some();
        let mut tick: Tick = node.stopped.take().unwrap_or_else(|| Box::pin(async move { driver.tick().await }));
        match run(tick.as_mut()) {
            None => {
                let crashes = self.plan.chaos == 0 || self.dice.hits(50);
                self.figures.crashes += u64::from(crashes);
                node.stopped = (!crashes).then_some(tick);
                node.down_until =
                    self.clock.now() + self.dice.span(if crashes { Span::hours(6) } else { Span::hours(1) });
            }
            Some(Err(error)) => {
                assert!(matches!(error, sealpost_rollover::Error::Store { .. }), "{error}");
                self.figures.failures += 1;
            }
            Some(Ok(report)) => {
                self.figures.pauses += u64::from(went_on);
                self.figures.failures += u64::try_from(report.failures.len()).unwrap();
                self.figures.keys += u64::from(report.generated);
                self.figures.issued += u64::from(report.issued);
                self.figures.ambiguous += u64::from(report.ambiguous);
                self.figures.surplus += u64::from(report.surplus);
                self.figures.refused += u64::from(report.refused);
                self.figures.fenced += u64::from(report.fenced);
                self.figures.alarms += u64::from(report.alarms.values().sum::<u32>());
            }
        }
    }

    pub(crate) fn state(&self, index: usize) -> SubjectState {
        run(self.store.load(self.plan.subjects[index].id)).unwrap().unwrap().unwrap().state
    }

    /// What holds at the end of each world.
    pub(crate) fn verify(&self) -> Figures {
        let seed = self.plan.seed;
        let orders = self.authority.orders();
        let mut keys = BTreeMap::new();
        for order in &orders {
            let key = keys.entry(order.id).or_insert_with(|| order.spki_sha256.clone());
            assert_eq!(*key, order.spki_sha256, "seed {seed}: two keys of one generation (I7)");
            self.decrypts(&KeyName::Spki(order.spki_sha256.clone()), order.id, &order.spki_sha256);
        }
        for index in 0..self.plan.subjects.len() {
            self.verify_certificates(&self.state(index));
        }
        self.verify_rate();
        let (asked, orders) = (self.authority.asked().len(), orders.len());
        Figures { asked: asked.try_into().unwrap(), orders: orders.try_into().unwrap(), ..self.figures }
    }

    /// I3, I4.
    fn decrypts(&self, name: &KeyName, id: GenerationId, spki_sha256: &[u8]) {
        let keys = run(self.nodes_store_keys(name)).unwrap();
        let seed = self.plan.seed;
        assert_eq!(keys.len(), 1, "seed {seed}: a certificate without a durable key (I3)");
        assert_eq!((keys[0].0, keys[0].1.as_slice()), (id, spki_sha256), "seed {seed}: another key (I4)");
    }

    async fn nodes_store_keys(&self, name: &KeyName) -> Vec<(GenerationId, Vec<u8>)> {
        let mut keys = Vec::new();
        for id in self.store.find(name).await.unwrap() {
            let key = self.store.private_key(id).await.unwrap();
            keys.push((id, SimulatedWorkshop::public(&key).spki_sha256));
        }
        keys
    }

    fn verify_certificates(&self, state: &SubjectState) {
        for generation in state.generations() {
            let id = GenerationId::new(state.id, generation.slot, generation.number);
            let record = run(self.store.generation(id)).unwrap().unwrap().unwrap();
            assert_eq!(generation.issued.is_some(), !record.certificates.is_empty());
            for certificate in record.certificates {
                let name = KeyName::IssuerAndSerial { issuer: certificate.issuer, serial: certificate.serial };
                self.decrypts(&name, id, &record.public.spki_sha256);
            }
            if self.plan.policy.second_place == SecondPlace::Required
                && generation.slot.decrypts()
                && generation.asked > 0
            {
                assert!(self.store.key_in_second_place(id).is_some(), "asked before the key was in the second place");
            }
        }
    }

    /// I9. Clocks that differ by hours may fill the bucket once more than they should, and a request may leave long
    /// after its permit was taken, if its node stands still in between.
    fn verify_rate(&self) {
        let asked = self.authority.asked();
        let skewed = self.plan.skews.iter().any(|&skew| skew != Span::ZERO);
        let late = if self.plan.chaos > 0 { u32::try_from(self.nodes.len()).unwrap() } else { 0 };
        let most = self.plan.per_hour + late + if skewed { (self.plan.per_hour / 60).max(1) } else { 0 };
        for (index, &from) in asked.iter().enumerate() {
            let within = asked[index..].partition_point(|&at| at < from + Span::hours(1));
            assert!(within <= usize::try_from(most).unwrap(), "seed {}: {within} in an hour", self.plan.seed);
        }
    }

    pub(crate) fn all_served(&self) -> bool {
        let now = self.clock.now();
        (0..self.plan.subjects.len())
            .map(|index| self.state(index))
            .all(|state| state.layout.slots().iter().all(|&slot| state.holder(slot, now).is_some()))
    }

    pub(crate) fn alarms_of(&self, subject: SubjectId, slot: Slot) -> Vec<Heard> {
        let heard = self.ears.1.lock().unwrap();
        heard.iter().filter(|heard| (heard.subject, heard.slot) == (subject, slot)).copied().collect()
    }

    /// I10: a gap that no alarm came before.
    pub(crate) fn unheard_gap(&self) -> Option<Gap> {
        let heard = |gap: &&Gap| self.alarms_of(gap.subject, gap.slot).iter().any(|heard| heard.at < gap.from);
        self.watch.gaps().iter().find(|gap| !heard(gap)).copied()
    }
}
