package io.culvert.control.file;

import io.culvert.control.file.yaml.Field;
import io.culvert.control.file.yaml.Fields;
import io.culvert.protocol.workload.NetworkAddress;
import io.culvert.protocol.workload.Workload;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reports what may be in a mesh only once and is there twice. */
final class UniqueChecks {
    private final Map<Object, Fields> first = new HashMap<>();
    private final Map<Enrolled, WorkloadDraft> enrolled = new HashMap<>();

    /** A uid of a workload. */
    private record Uid(String value) {}

    /** A pod's own uid. */
    private record PodUid(String value) {}

    /** A network namespace of a node. */
    private record Netns(String node, Path path) {}

    /** What a node's agent finds the record of a pod by. */
    private record Enrolled(String node, String namespace, String name, String serviceAccount) {}

    /** A virtual address as the services of one namespace know it. */
    private record Vip(String namespace, NetworkAddress address) {}

    void workloads(List<WorkloadDraft> drafts) {
        for (WorkloadDraft draft : drafts) {
            Workload workload = draft.described();
            Fields fields = draft.fields();
            // A workload whose name is missing or bad was reported; the uid made of it means nothing.
            if (!workload.name().isEmpty() || fields.field("uid") != null) {
                require(new Uid(workload.uid().value()), fields, fields.blame("uid"), "the uid " + workload.uid());
            }
            if (workload.networkMode() == Workload.NetworkMode.STANDARD) {
                workload.addresses().forEach(ip -> {
                    NetworkAddress address = new NetworkAddress(workload.network(), ip);
                    require(address, fields, fields.blame("addresses"), "the address " + ip);
                });
            }
            requireTold(draft);
            LocalPod pod = draft.pod();
            if (pod != null) {
                require(new PodUid(pod.uid()), fields, fields.blame("podUid"), "the pod uid " + pod.uid());
                Netns netns = new Netns(pod.node(), pod.netns());
                require(netns, fields, fields.blame("netns"), "the netns " + pod.netns());
            }
        }
    }

    /** A captured pod must not be taken for another one, which may have other policies. */
    private void requireTold(WorkloadDraft draft) {
        Workload workload = draft.described();
        if (workload.node().isEmpty() || workload.name().isEmpty()) {
            return;
        }
        Enrolled key = new Enrolled(workload.node(), workload.namespace(), workload.name(), workload.serviceAccount());
        WorkloadDraft earlier = enrolled.putIfAbsent(key, draft);
        if (earlier == null
                || earlier.pod() == null && draft.pod() == null
                // That is told of already.
                || earlier.described().uid().equals(workload.uid())) {
            return;
        }
        draft.fields()
                .blame("name")
                .wrong(
                        "the pod " + draft.key() + " of service account " + workload.serviceAccount() + " on node "
                                + workload.node() + " is taken by the entry on "
                                + earlier.fields().self().where(),
                        "give each pod of a node a name of its own");
    }

    void services(List<ServiceSection.Described> services) {
        for (ServiceSection.Described described : services) {
            Fields fields = described.fields();
            var service = described.service();
            require(service.key(), fields, fields.blame("hostname"), "the hostname " + service.key());
            service.vips()
                    .forEach(vip -> require(
                            new Vip(service.namespace(), vip),
                            fields,
                            fields.blame("vips"),
                            "the address " + vip.ip()));
        }
    }

    private void require(Object key, Fields owner, Field blame, String what) {
        Fields earlier = first.putIfAbsent(key, owner);
        if (earlier != null) {
            blame.wrong(what + " is taken by the entry on " + earlier.self().where(), "give each its own");
        }
    }
}
