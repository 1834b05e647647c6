//! When is the knowledge read anew? At SIGHUP, and when its files have changed and are quiet again.

use super::house::House;
use super::readiness::Readiness;
use super::self_test;
use crate::knowledge::embedded::{Stamp, stamp};
use actix_web::web::{Data, block};
use metrics::counter;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// Watches until the process ends.
pub async fn watch(house: Data<House>, readiness: Data<Readiness>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be heard: knowledge is never read anew");
            return;
        }
    };
    let seconds = house.config.knowledge.poll_s;
    let polls = house.knowledge.folder().is_some() && seconds > 0;
    let mut tick = interval(Duration::from_secs(seconds.max(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut loaded = look(&house).await;
    let mut before = loaded.clone();
    loop {
        tokio::select! {
            heard = hangup.recv() => {
                if heard.is_none() {
                    return;
                }
                loaded = look(&house).await;
                reload(&house, &readiness, "SIGHUP").await;
            }
            _ = tick.tick(), if polls => {
                let now = look(&house).await;
                // Somebody may still be writing: what is read stood still for one round.
                if now != loaded && now == before {
                    loaded = now.clone();
                    reload(&house, &readiness, "files changed").await;
                }
                before = now;
            }
        }
    }
}

async fn look(house: &Data<House>) -> Option<Stamp> {
    let house = house.clone();
    block(move || house.knowledge.folder().map(stamp)).await.ok().flatten()
}

/// Reads the knowledge anew and says what came of it.
async fn reload(house: &Data<House>, readiness: &Readiness, why: &'static str) {
    if house.knowledge.folder().is_none() {
        tracing::warn!(why, "the knowledge is that of the binary and is not read anew");
        return;
    }
    let shared = house.clone();
    let Ok(outcome) = block(move || shared.knowledge.next()).await else {
        counter!("jakcard_knowledge_reloads_total", "outcome" => "failed").increment(1);
        tracing::error!(why, "reading the knowledge anew failed; the old one goes on");
        return;
    };
    let knowledge = house.knowledge.now();
    let digest = &knowledge.digest[..12];
    let word = match outcome {
        Ok(Some(next)) => {
            // Tested before it speaks: what is lost in it is said from its first answer on.
            let verdict = self_test::of_house(&next, house).await;
            readiness.looked(verdict.lost_drugs.is_empty());
            tracing::info!(why, knowledge = &next.digest[..12], "the knowledge is another");
            house.knowledge.put(next, verdict);
            "loaded"
        }
        Ok(None) => {
            tracing::info!(why, knowledge = digest, "the knowledge is the same");
            "unchanged"
        }
        Err(error) => {
            for complaint in &error.complaints {
                tracing::error!(complaint = %complaint, "in the knowledge files");
            }
            let complaints = error.complaints.len();
            tracing::error!(
                why,
                complaints,
                knowledge = digest,
                "the knowledge files were refused; the old knowledge goes on"
            );
            "refused"
        }
    };
    counter!("jakcard_knowledge_reloads_total", "outcome" => word).increment(1);
}
