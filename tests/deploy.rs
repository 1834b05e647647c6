//! The files of `deploy/`: they parse, they fit together, and what they call is there.

mod support;

use jakcard::config::SETTINGS;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::project;

fn text(file: &str) -> String {
    let path = project("deploy").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The documents of a YAML file.
fn documents(file: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&text(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Every object of the set, those of the example Secret among them.
fn set() -> Vec<Value> {
    let kustomization = &documents("kubernetes/base/kustomization.yaml")[0];
    let resources = kustomization["resources"].as_array().expect("resources");
    let files = resources.iter().map(|file| file.as_str().expect("a file"));
    let files = files.chain(["secret.example.yaml"]);
    files.flat_map(|file| documents(&format!("kubernetes/base/{file}"))).collect()
}

fn find<'a>(set: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = set.iter().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value) -> Vec<String> {
    list(value).iter().map(|v| v.as_str().expect("a text").to_owned()).collect()
}

fn deployment(set: &[Value]) -> (&Value, &Value) {
    let pod = &find(set, "Deployment", "jakcard")["spec"]["template"];
    (pod, &pod["spec"]["containers"][0])
}

/// Holds every member that is asked for.
fn matches(labels: &Value, selector: &Value) -> bool {
    let selector = selector.as_object().expect("a selector");
    !selector.is_empty() && selector.iter().all(|(name, value)| labels[name] == *value)
}

/// Runs the program as a file calls it, with `--help` in the end: an unknown command or flag is told.
fn is_a_call(words: &[String]) {
    let output = Command::new(env!("CARGO_BIN_EXE_jakcard"))
        .args(words)
        .arg("--help")
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {error}");
}

fn is_a_setting(name: &str) {
    assert!(SETTINGS.iter().any(|(known, ..)| *known == name), "{name} is no setting");
}

/// What `check-config` says of settings with this environment.
fn check_config(settings: &str, environment: &[(String, String)]) {
    let file = std::env::temp_dir().join(format!("jakcard-deploy-{}.toml", std::process::id()));
    std::fs::write(&file, settings).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_jakcard"))
        .arg("check-config")
        .arg(&file)
        .envs(environment.iter().cloned())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 client"), "{said}");
}

#[test]
fn the_kubernetes_set_is_complete() {
    let set = set();
    let kinds: BTreeSet<&str> = set.iter().map(|o| o["kind"].as_str().expect("a kind")).collect();
    for kind in [
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Namespace",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Secret",
        "Service",
    ] {
        assert!(kinds.contains(kind), "there is no {kind}");
    }
    for object in &set {
        assert!(object["apiVersion"].is_string(), "{object}");
    }
    // Everything that lies there is used.
    let listed: BTreeSet<String> = std::fs::read_dir(project("deploy/kubernetes/base"))
        .expect("a folder")
        .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !["kustomization.yaml", "secret.example.yaml"].contains(&&**name))
        .collect();
    let used = strings(&documents("kubernetes/base/kustomization.yaml")[0]["resources"]);
    assert_eq!(listed, used.into_iter().collect());
}

#[test]
fn the_kubernetes_set_fits_together() {
    let set = set();
    let (pod, container) = deployment(&set);
    let labels = &pod["metadata"]["labels"];
    let selectors = [
        &find(&set, "Deployment", "jakcard")["spec"]["selector"]["matchLabels"],
        &find(&set, "PodDisruptionBudget", "jakcard")["spec"]["selector"]["matchLabels"],
        &find(&set, "NetworkPolicy", "jakcard")["spec"]["podSelector"]["matchLabels"],
    ];
    let spread = list(&pod["spec"]["topologySpreadConstraints"]).iter();
    let spread: Vec<&Value> = spread.map(|c| &c["labelSelector"]["matchLabels"]).collect();
    assert_eq!(spread.len(), 2);
    let services: Vec<&Value> = set.iter().filter(|o| o["kind"] == "Service").collect();
    let of_services = services.iter().map(|s| &s["spec"]["selector"]);
    for selector in selectors.into_iter().chain(spread).chain(of_services) {
        assert!(matches(labels, selector), "{selector} finds no pod");
    }
    let scaled = &find(&set, "HorizontalPodAutoscaler", "jakcard")["spec"];
    assert_eq!(scaled["scaleTargetRef"]["kind"], "Deployment");
    assert_eq!(scaled["scaleTargetRef"]["name"], "jakcard");
    // Utilization is told by what was asked for; the number of replicas has one master.
    assert!(container["resources"]["requests"]["cpu"].is_string());
    assert!(find(&set, "Deployment", "jakcard")["spec"]["replicas"].is_null());
    assert!(scaled["minReplicas"].as_u64() >= Some(2), "one replica is none during an update");

    let ports: BTreeSet<&str> =
        list(&container["ports"]).iter().filter_map(|p| p["name"].as_str()).collect();
    let policy = &find(&set, "NetworkPolicy", "jakcard")["spec"];
    let in_policy = list(&policy["ingress"]).iter().flat_map(|rule| list(&rule["ports"]));
    let in_services = services.iter().flat_map(|s| list(&s["spec"]["ports"]));
    let named = in_policy.map(|p| &p["port"]).chain(in_services.map(|p| &p["targetPort"]));
    let probes =
        ["startupProbe", "livenessProbe", "readinessProbe"].map(|p| &container[p]["httpGet"]);
    for port in named.chain(probes.iter().map(|p| &p["port"])) {
        assert!(ports.contains(port.as_str().expect("a name")), "there is no port {port}");
    }
    let described = std::fs::read_to_string(project("src/service/openapi.json")).expect("there");
    let described: Value = serde_json::from_str(&described).expect("JSON");
    for probe in probes {
        let path = probe["path"].as_str().expect("a path");
        assert!(described["paths"].get(path).is_some(), "nothing answers at {path}");
    }

    let mounts: BTreeSet<&str> =
        list(&container["volumeMounts"]).iter().filter_map(|m| m["name"].as_str()).collect();
    let volumes = list(&pod["spec"]["volumes"]);
    let names: BTreeSet<&str> = volumes.iter().filter_map(|v| v["name"].as_str()).collect();
    assert_eq!(mounts, names);
    for volume in volumes {
        if let Some(name) = volume["configMap"]["name"].as_str() {
            find(&set, "ConfigMap", name);
        } else {
            find(&set, "Secret", volume["secret"]["secretName"].as_str().expect("a Secret"));
        }
    }
    for variable in list(&container["env"]) {
        is_a_setting(variable["name"].as_str().expect("a name"));
        let from = &variable["valueFrom"]["secretKeyRef"];
        if let Some(name) = from["name"].as_str() {
            let key = from["key"].as_str().expect("a key");
            let there = find(&set, "Secret", name)["stringData"][key].is_string();
            assert!(there || from["optional"] == true, "{name} has no {key}");
        } else {
            assert!(variable["value"].is_string(), "{variable}: expected a text");
        }
    }
}

#[test]
fn the_settings_are_those_that_the_program_takes() {
    let set = set();
    let (_, container) = deployment(&set);
    let settings = find(&set, "ConfigMap", "jakcard-settings")["data"]["jakcard.toml"].clone();
    let settings = settings.as_str().expect("settings");
    assert_eq!(settings, text("jakcard.toml"), "one hospital, one file");
    // What is optional is not there.
    let value = |variable: &Value| -> Option<String> {
        let from = &variable["valueFrom"]["secretKeyRef"];
        let text = match from["name"].as_str() {
            Some(name) => {
                &find(&set, "Secret", name)["stringData"][from["key"].as_str().expect("a key")]
            }
            None => &variable["value"],
        };
        text.as_str().map(str::to_owned)
    };
    let variables = list(&container["env"]).iter();
    let environment: Vec<(String, String)> = variables
        .filter_map(|v| Some((v["name"].as_str().expect("a name").to_owned(), value(v)?)))
        .collect();
    assert!(environment.iter().any(|(name, _)| name == "JAKCARD_STORE_URL"));
    check_config(settings, &environment);

    // The ports are those that it listens on; the end is as long as the settings ask for.
    let settings: toml::Table = toml::from_str(settings).expect("TOML");
    let operations = settings["operations"].as_table().expect("a table");
    let port = |bind: &toml::Value| -> u64 {
        let bind: std::net::SocketAddr =
            bind.as_str().expect("a text").parse().expect("an address");
        bind.port().into()
    };
    let ports: BTreeMap<&str, Option<u64>> = list(&container["ports"])
        .iter()
        .map(|p| (p["name"].as_str().expect("a name"), p["containerPort"].as_u64()))
        .collect();
    assert_eq!(ports["http"], Some(port(&settings["bind"])));
    assert_eq!(ports["operations"], Some(port(&operations["bind"])));
    let drain = operations["drain_ms"].as_integer().expect("a number");
    let probe = &container["readinessProbe"];
    let red = probe["periodSeconds"].as_i64().zip(probe["failureThreshold"].as_i64());
    assert!(red.expect("numbers").0 * red.expect("numbers").1 * 1000 < drain);
    let stop = jakcard::config::Operations::default().stop_s * 1000;
    let whole = u64::try_from(drain).expect("positive") + stop;
    let grace = deployment(&set).0["spec"]["terminationGracePeriodSeconds"].as_u64();
    assert!(grace.expect("a number") * 1000 > whole);
    let unit = text("jakcard.service");
    let unit = unit.lines().find_map(|l| l.strip_prefix("TimeoutStopSec=")).expect("a bound");
    assert!(unit.parse::<u64>().expect("seconds") * 1000 > whole);
    let compose = &documents("compose.yaml")[0]["services"]["jakcard"]["stop_grace_period"];
    let compose = compose.as_str().and_then(|t| t.strip_suffix('s')).expect("seconds");
    assert!(compose.parse::<u64>().expect("seconds") * 1000 > whole);
}

#[test]
fn containers_have_no_more_rights_than_they_need() {
    let set = set();
    let (pod, container) = deployment(&set);
    let context = &pod["spec"]["securityContext"];
    assert_eq!(context["runAsNonRoot"], true);
    assert!(context["runAsUser"].as_u64() > Some(0));
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    for never in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod["spec"][never].is_null(), "{never}");
    }
    let context = &container["securityContext"];
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["privileged"], false);
    assert_eq!(context["capabilities"], json!({ "drop": ["ALL"] }));
    assert!(container["resources"]["limits"]["memory"].is_string());
    for volume in list(&pod["spec"]["volumes"]) {
        assert!(volume["hostPath"].is_null(), "{volume}");
    }

    let compose = &documents("compose.yaml")[0]["services"];
    for (name, service) in compose.as_object().expect("services") {
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]), "{name}");
        assert!(service["privileged"].is_null(), "{name}");
        for port in strings(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to the world");
        }
    }
    assert_eq!(compose["jakcard"]["read_only"], true);
    let user = context_user(&text("Containerfile"));
    assert_eq!(compose["jakcard"]["user"], json!(user));
    assert_eq!(pod["spec"]["securityContext"]["runAsUser"], json!(65532));
    assert_eq!(user, "65532:65532");
}

fn context_user(containerfile: &str) -> String {
    let last = containerfile.rsplit("\nFROM ").next().expect("a stage");
    let user = last.lines().find_map(|line| line.strip_prefix("USER "));
    user.expect("a user").to_owned()
}

#[test]
fn images_are_named_by_a_version() {
    let own = format!("jakcard:{}", env!("CARGO_PKG_VERSION"));
    let set = set();
    assert_eq!(deployment(&set).1["image"], json!(own));
    let compose = documents("compose.yaml").remove(0);
    let services = compose["services"].as_object().expect("services");
    assert_eq!(services["jakcard"]["image"], json!(own));
    let mut images: Vec<String> =
        services.values().map(|s| s["image"].as_str().expect("an image").to_owned()).collect();
    let containerfile = text("Containerfile");
    let from = containerfile.lines().filter_map(|line| line.strip_prefix("FROM "));
    images.extend(from.map(|from| from.split(' ').next().expect("an image").to_owned()));
    assert!(images.len() >= 4);
    for image in images.iter().filter(|image| *image != "scratch") {
        let tag = image.rsplit_once(':').map(|(_, tag)| tag).unwrap_or_default();
        assert!(tag.starts_with(|c: char| c.is_ascii_digit()), "{image} is not pinned");
    }
    // Built with the toolchain that the project asks for.
    let cargo = std::fs::read_to_string(project("Cargo.toml")).expect("Cargo.toml");
    let cargo: toml::Table = toml::from_str(&cargo).expect("TOML");
    let rust = cargo["workspace"]["package"]["rust-version"].as_str().expect("a version");
    assert!(images.iter().any(|image| image.starts_with(&format!("rust:{rust}."))), "{images:?}");
}

#[test]
fn every_command_that_a_file_calls_is_a_command() {
    let own = "/usr/local/bin/jakcard";
    let containerfile = text("Containerfile").replace("\\\n", "");
    let list_of = |word: &str| -> Vec<String> {
        let line = containerfile.lines().find(|line| line.starts_with(word)).expect("the line");
        let list = &line[line.find('[').expect("a list")..];
        serde_json::from_str(list).expect("the exec form: there is no shell")
    };
    assert_eq!(list_of("ENTRYPOINT"), [own]);
    is_a_call(&list_of("CMD"));
    let health = list_of("HEALTHCHECK");
    assert_eq!(health[0], own);
    is_a_call(&health[1..]);

    let set = set();
    is_a_call(&strings(&deployment(&set).1["args"]));
    let overlay = documents("kubernetes/own-knowledge/deployment.yaml").remove(0);
    is_a_call(&strings(&overlay["spec"]["template"]["spec"]["containers"][0]["args"]));

    let unit = text("jakcard.service");
    let mut calls = 0;
    for line in unit.lines().filter(|line| line.starts_with("Exec")) {
        let (_, command) = line.split_once('=').expect("a value");
        if let Some(words) = command.strip_prefix(own) {
            is_a_call(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
            calls += 1;
        }
    }
    assert_eq!(calls, 2);
    for name in unit.split(|c: char| !(c.is_ascii_uppercase() || c == '_')) {
        if name.starts_with("JAKCARD_") {
            is_a_setting(name);
        }
    }
}

#[test]
fn the_compose_file_fits_together() {
    let compose = documents("compose.yaml").remove(0);
    let services = compose["services"].as_object().expect("services");
    let named = |member: &str| -> BTreeSet<String> {
        compose[member].as_object().map(|m: &Map<_, _>| m.keys().cloned().collect()).expect("a map")
    };
    for (name, service) in services {
        for needed in service["depends_on"].as_object().into_iter().flat_map(Map::keys) {
            assert!(services.contains_key(needed), "{name} waits for {needed}");
            assert!(services[needed]["healthcheck"]["test"].is_array(), "{needed}");
        }
        for network in strings(&service["networks"]) {
            assert!(named("networks").contains(&network), "{name}: {network}");
        }
        for volume in strings(&service["volumes"]) {
            let from = volume.split(':').next().expect("a source");
            let there = match from.strip_prefix("./") {
                Some(file) => project("deploy").join(file).is_file(),
                None => named("volumes").contains(from),
            };
            assert!(there, "{name}: {volume}");
        }
    }
    let own = &services["jakcard"];
    let environment: Vec<(String, String)> = own["environment"]
        .as_object()
        .expect("a map")
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
        .collect();
    for (name, value) in &environment {
        is_a_setting(name);
        assert!(
            !value.contains("postgres://") || value.contains("${POSTGRES_PASSWORD"),
            "a password"
        );
    }
    assert!(environment.iter().any(|(_, value)| value.contains("@database:5432/jakcard")));
    assert!(project("deploy").join(own["build"]["context"].as_str().expect("a path")).is_dir());
    let file = own["build"]["dockerfile"].as_str().expect("a file");
    assert!(project(file).is_file());
}

#[test]
fn the_overlay_mounts_the_whole_knowledge() {
    let overlay = documents("kubernetes/own-knowledge/deployment.yaml").remove(0);
    let pod = &overlay["spec"]["template"]["spec"];
    let sources = list(&pod["volumes"][0]["projected"]["sources"]);
    let maps: Vec<&Value> = sources.iter().map(|s| &s["configMap"]).collect();
    let mut paths = BTreeSet::new();
    for item in maps.iter().flat_map(|map| list(&map["items"])) {
        let path = item["path"].as_str().expect("a path");
        assert_eq!(item["key"], json!(path.replace('/', ".")), "as the script names it");
        paths.insert(path.to_owned());
    }
    let files = jakcard::knowledge::embedded::embedded();
    assert_eq!(paths, files.keys().cloned().collect());
    let script = text("kubernetes/own-knowledge/configmaps.sh");
    for map in &maps {
        let name = map["name"].as_str().expect("a name");
        assert!(script.contains(&format!("one {name} ")), "{name} is made by nobody");
        // A ConfigMap holds at most 1 MiB.
        let keys = list(&map["items"]).iter();
        let size: usize = keys.map(|i| files[i["path"].as_str().expect("a path")].len()).sum();
        assert!(size < 1 << 20, "{name}: {size} bytes");
    }
    let mount = &pod["containers"][0]["volumeMounts"][0];
    assert_eq!(mount["name"], pod["volumes"][0]["name"]);
    let args = strings(&pod["containers"][0]["args"]);
    let folder = args.iter().position(|arg| arg == "--hooks").map(|i| &args[i + 1]);
    assert_eq!(json!(folder), mount["mountPath"]);
    let set = set();
    let base = strings(&deployment(&set).1["args"]);
    assert_eq!(args[..base.len()], base[..], "the base, and more");
}

#[test]
fn the_files_of_the_image_are_enough_to_run() {
    if !Path::new("/etc/ssl/certs/ca-certificates.crt").is_file() {
        println!("no certificate authorities here: the image's files were not put together");
        return;
    }
    let folder =
        Folder(std::env::temp_dir().join(format!("jakcard-rootfs-{}", std::process::id())));
    let root = &folder.0;
    let made = Command::new("sh")
        .arg(project("deploy/rootfs.sh"))
        .arg(env!("CARGO_BIN_EXE_jakcard"))
        .arg(root)
        .output()
        .expect("sh runs");
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{said}");
    for file in ["usr/local/bin/jakcard", "etc/ssl/certs/ca-certificates.crt", "etc/passwd"] {
        assert!(root.join(file).is_file(), "{file}");
    }
    for never in ["bin", "sbin", "usr/bin", "usr/sbin"] {
        assert!(!root.join(never).exists(), "{never}: there is to be no shell");
    }
    let files = std::fs::read_dir(root.join("usr/local/bin")).expect("a folder").count();
    assert_eq!(files, 1);
    in_its_own_root(root);
}

/// A folder that goes away, whatever becomes of the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the program with nothing else around it: only root may.
fn in_its_own_root(root: &Path) {
    if !nix::unistd::geteuid().is_root() {
        println!("not root: the program was not run in its own root");
        return;
    }
    let within = |words: &[&str]| {
        let output = Command::new("chroot")
            .arg("--userspec=65532:65532")
            .arg(root)
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .expect("chroot runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = within(&["/usr/local/bin/jakcard", "check"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("no complaint"), "{said}");
    assert_ne!(within(&["/bin/sh", "-c", "true"]).0, Some(0));
    // The folder of an embedded store belongs to who runs it.
    use std::os::unix::fs::MetadataExt;
    let store = std::fs::metadata(root.join("var/lib/jakcard")).expect("there");
    assert_eq!((store.uid(), store.gid()), (65532, 65532));
}
