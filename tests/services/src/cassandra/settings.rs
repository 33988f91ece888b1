//! How Cassandra is set for tests: small, quick to start, and durable at every acknowledgement.

use std::ffi::OsString;
use std::path::Path;

/// The first lines open what Cassandra needs of the JDK, as its own start script does. No wait for gossip to settle or
/// for a superuser; without `skip_sync` each of its many small files at the start is waited for.
pub(super) const JVM: [&str; 35] = [
    "-Djdk.attach.allowAttachSelf=true",
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-exports=java.management.rmi/com.sun.jmx.remote.internal.rmi=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.server=ALL-UNNAMED",
    "--add-exports=java.sql/java.sql=ALL-UNNAMED",
    "--add-exports=java.base/java.lang.ref=ALL-UNNAMED",
    "--add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED",
    "--add-exports=jdk.attach/sun.tools.attach=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.module=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.loader=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.reflect=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.math=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.module=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.util.jar=ALL-UNNAMED",
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.useCacheForAllThreads=true",
    "-Dio.netty.allocator.maxOrder=11",
    "-Xmx384m",
    "-Xss256k",
    "-XX:MaxDirectMemorySize=128m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.superuser_setup_delay_ms=0",
    "-Dcassandra.memtable.row_overhead_size=180",
    "-Dcassandra.skip_sync=true",
    "-Dcassandra-foreground=yes",
];

/// What differs between nodes.
pub(super) fn properties(home: &Path) -> Vec<OsString> {
    let home = home.display();
    [
        format!("-Dcassandra.config=file://{home}/cassandra.yaml"),
        format!("-Dcassandra-rackdc.properties=file://{home}/rackdc.properties"),
        format!("-Dlogback.configurationFile={home}/logback.xml"),
        format!("-Dcassandra.storagedir={home}/data"),
        format!("-Dcassandra.logdir={home}/logs"),
        format!("-Djava.io.tmpdir={home}/tmp"),
    ]
    .map(OsString::from)
    .into()
}

/// Everything to standard output, which is the node's log.
pub(super) const LOGBACK: &str = "\
<configuration>
  <appender name=\"out\" class=\"ch.qos.logback.core.ConsoleAppender\">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level=\"WARN\"><appender-ref ref=\"out\"/></root>
</configuration>
";

/// A node's `cassandra.yaml`. Node 1 of the cluster, 127.0.0.1, is the seed.
pub(super) fn yaml(cluster: &str, home: &Path, host: &str, port: u16) -> String {
    let (home, storage) = (home.display(), port + 1);
    format!(
        "cluster_name: {cluster}\n\
         seed_provider:\n\
         - class_name: org.apache.cassandra.locator.SimpleSeedProvider\n  \
           parameters: [{{seeds: \"127.0.0.1\"}}]\n\
         listen_address: {host}\n\
         rpc_address: {host}\n\
         storage_port: {storage}\n\
         native_transport_port: {port}\n\
         data_file_directories: [\"{home}/data/data\"]\n\
         commitlog_directory: {home}/data/commitlog\n\
         hints_directory: {home}/data/hints\n\
         saved_caches_directory: {home}/data/saved_caches\n\
         cdc_raw_directory: {home}/data/cdc_raw\n\
         {SETTINGS}"
    )
}

/// `commitlog_sync: batch`: with `periodic`, the default, a killed node loses what it had acknowledged last.
/// `phi_convict_threshold: 5` notices a dead node after 13 s instead of 37. Hints have no limit of speed and are
/// written each second, so that a node that was away has its rows soon. The rest makes it small.
const SETTINGS: &str = "\
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: GossipingPropertyFileSnitch
dynamic_snitch: false
start_native_transport: true
cdc_enabled: false
auto_bootstrap: false
auto_snapshot: false
snapshot_before_compaction: false
incremental_backups: false
commitlog_sync: batch
commitlog_segment_size: 8MiB
commitlog_total_space: 64MiB
commitlog_disk_access_mode: legacy
disk_access_mode: standard
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB
memtable_allocation_type: heap_buffers
memtable_flush_writers: 1
concurrent_reads: 8
concurrent_writes: 16
concurrent_counter_writes: 4
concurrent_compactors: 1
compaction_throughput: 0MiB/s
key_cache_size: 4MiB
counter_cache_size: 2MiB
row_cache_size: 0MiB
file_cache_size: 32MiB
networking_cache_size: 32MiB
hinted_handoff_enabled: true
hints_flush_period: 1000ms
hinted_handoff_throttle: 0KiB
max_hint_window: 3h
trickle_fsync: false
disk_optimization_strategy: ssd
authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
internode_compression: none
tombstone_warn_threshold: 1000
read_request_timeout: 5s
range_request_timeout: 10s
write_request_timeout: 2s
request_timeout: 10s
phi_convict_threshold: 5
user_defined_functions_enabled: false
materialized_views_enabled: false
diagnostic_events_enabled: false
";
