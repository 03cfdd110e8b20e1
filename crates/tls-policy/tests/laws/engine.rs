//! The engine as the laws see it, and where a mutant may break it.

use std::borrow::Cow;

use sealpost_mail::Domain;
use sealpost_tls_policy::{
    AlternateRoute, Requirements, Verdict, conclude,
    facts::{DestinationFacts, SessionFacts},
    judge, plan, requirements,
};

use crate::world::{NOW, World};

/// An engine: each step is the real one, unless a mutant overrides it.
pub(crate) trait Engine {
    fn requirements(&self, world: &World) -> Requirements {
        requirements(&world.message, world.guarantee, &world.policy, NOW)
    }

    /// What planning sees of the destination.
    fn facts<'w>(&self, world: &'w World) -> Cow<'w, DestinationFacts> {
        Cow::Borrowed(&world.facts)
    }

    /// What judging sees of a connection.
    fn session<'w>(&self, world: &'w World, name: Option<&Domain>) -> Option<Cow<'w, SessionFacts>> {
        world.session(name).map(Cow::Borrowed)
    }

    /// What concluding sees of the alternate route.
    fn route<'w>(&self, world: &'w World) -> Option<Cow<'w, AlternateRoute>> {
        world.route.as_ref().map(Cow::Borrowed)
    }

    /// What concluding gives out.
    fn concluded(&self, _world: &World, verdict: Verdict) -> Verdict {
        verdict
    }

    /// Each host in the order of trying, and what is required there.
    fn planned(&self, world: &World) -> Vec<(Option<Domain>, Requirements)> {
        let facts = self.facts(world);
        let plan = plan(&self.requirements(world), &facts);
        plan.hosts().map(|host| (host.name().cloned(), *host.requirements())).collect()
    }

    fn verdict(&self, world: &World) -> Verdict {
        let facts = self.facts(world);
        let plan = plan(&self.requirements(world), &facts);
        let mut tried = Vec::new();
        for host in plan.hosts() {
            if let Some(session) = self.session(world, host.name()) {
                tried.push(judge(&host, &session));
            }
        }
        let route = self.route(world);
        self.concluded(world, conclude(&plan, &tried, route.as_deref(), world.attempt))
    }
}

/// The real one.
pub(crate) struct Real;

impl Engine for Real {}
