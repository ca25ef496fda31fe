//! Servers that were fetched already, for tests that start them: nothing is downloaded.

#![allow(dead_code, reason = "each test file uses a part of it")]

use querydyno::host::paths;
use querydyno::host::services::{Service, hive_jars, spark_3_5_jars, trino_home};

use super::served::{self, Place, left_out};
use super::slow;

/// A place with little memory, whose commands take nothing of the user's own.
pub fn new_place(service: Service) -> Place {
    let memory = if service == Service::SparkCluster { "1536MiB" } else { "1GiB" };
    let own = [("SPARK_HOME", ""), ("TRINO_HOME", ""), ("THUNDERDUCK_JAR", ""), ("QUERYDYNO_JAVA", "")];
    let mut place = Place::with(service, &own);
    place.set("QUERYDYNO_SERVICE_MEMORY", memory);
    place.set("QUERYDYNO_THREADS", "2");
    place
}

/// Whether the service has a Java here.
pub fn has_java(service: Service) -> bool {
    match served::services().how(service, true) {
        Ok(_) => true,
        Err(why) => {
            left_out(&format!("{service}: {why:#}"));
            false
        }
    }
}

/// A place with the server that was fetched already, where slow tests are wanted.
pub fn with_server(service: Service) -> Option<Place> {
    if !slow::wanted(&format!("the service {service}")) || !has_java(service) {
        return None;
    }
    let home = paths::own("services");
    let found = match service {
        Service::Spark35 => spark_3_5_jars(&home),
        Service::Trino => trino_home(&home),
        _ => hive_jars(&home),
    };
    let Some(fetched) = found else {
        left_out(&format!("{service}, which was not fetched; cargo xtask services up {service} does that"));
        return None;
    };
    let place = new_place(service);
    place.link(&fetched);
    Some(place)
}
