//! A server that we started is started again as it was.

use anyhow::{Result, bail, ensure};

use super::plan::Configuration;
use super::service::Service;
use super::started::Started;
use super::tasks::PAGE_PORT;
use super::{How, Services, native};

impl Services {
    /// Ends a server that we started, or what is left of it, with all its processes, and starts it with the same settings.
    ///
    /// # Errors
    /// When it cannot be stopped or started, or would be another one than it was; then it does not run.
    pub(super) fn restart(&self, service: Service) -> Result<()> {
        let folder = native::folder(&self.home, service);
        let Some(started) = Started::read(&folder) else {
            self.down(service)?;
            return self.up(service, false).map(|_| ());
        };
        let was = Configuration::read(&folder);
        let again = as_started(started, self);
        again.down(service)?;
        let up = again.up(service, true)?;
        ensure!(up.how == How::Native, "{service} was a process of this machine and would run in a container now");
        // The port of its page is a free one at each start.
        let pinned = |mut all: Configuration| {
            all.settings.remove(PAGE_PORT);
            all
        };
        let difference =
            was.zip(Configuration::read(&folder)).and_then(|(was, is)| pinned(was).difference(&pinned(is)));
        if let Some(difference) = difference {
            again.down(service)?;
            bail!(
                "{service} was started with another environment than this command has, and would differ in {difference}: `cargo xtask services up {service}` starts it there"
            );
        }
        Ok(())
    }
}

/// The services as they were asked for then; where they are is as now.
fn as_started(started: Started, now: &Services) -> Services {
    let variables = Service::ALL.into_iter().flat_map(Service::ports).map(|port| port.variable);
    let ports = variables.filter_map(|variable| Some((variable, *started.ports.get(variable)?))).collect();
    Services {
        home: now.home.clone(),
        data: now.data.clone(),
        python: started.python,
        java: started.java,
        threads: started.threads,
        memory: started.memory,
        executors: started.executors,
        master: started.master,
        s3: started.s3,
        ports,
        docker: now.docker.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::OnceLock;

    use super::*;
    use crate::protocol::units::Bytes;

    #[test]
    fn started_is_what_was_given_then_and_not_what_is_given_now() {
        let services = |threads: usize, port: u16| Services {
            home: PathBuf::from("/h"),
            data: PathBuf::from("/d"),
            python: "python3".to_owned(),
            java: Some("/java".to_owned()),
            threads: vec![threads],
            memory: Bytes(1 << 30),
            executors: 2,
            master: None,
            s3: false,
            ports: [(Service::Trino.ports()[0].variable, port)].into(),
            docker: OnceLock::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Started::read(folder.path()), None);
        Started::keep(&services(1, 1234).given(), folder.path()).unwrap();
        let again = as_started(Started::read(folder.path()).unwrap(), &services(2, 5678));
        assert_eq!((again.threads.as_slice(), again.port(Service::Trino)), ([1].as_slice(), 1234));
        Started::forget(folder.path());
        assert_eq!(Started::read(folder.path()), None);
    }
}
