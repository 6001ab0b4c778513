package io.culvert.agent.config;

import java.util.Locale;

/** Refuses what other agents can be told and this one cannot do, rather than to leave it out in silence. */
final class Unsupported {
    private final SettingReader reader;

    Unsupported(SettingReader reader) {
        this.reader = reader;
    }

    void refuse() {
        if (reader.text(Knob.PROXY_MODE).toLowerCase(Locale.ROOT).equals("dedicated")) {
            reader.problem(
                    Knob.PROXY_MODE, "an agent inside one pod is not supported; run one agent per node, as 'shared'");
        } else if (!Knob.PROXY_MODE
                .choices()
                .contains(reader.text(Knob.PROXY_MODE).toLowerCase(Locale.ROOT))) {
            reader.problem(Knob.PROXY_MODE, "'" + reader.text(Knob.PROXY_MODE) + "' is unknown; write shared");
        }
        refuseText(Knob.PROXY_WORKLOAD_INFO, "is for an agent inside one pod, which is not supported; remove it");
        refuseText(Knob.COMPLIANCE_POLICY, "the groups and ciphers of tunnels cannot be narrowed; remove it");
        refuseFlag(
                Knob.FAKE_CA,
                true,
                "asks for certificates that nobody vouches for, which this agent never makes; name an authority with "
                        + Knob.CA_ADDRESS.environment().getFirst()
                        + ", or make one with `culvert-agent ca init` and give "
                        + Knob.CA_DIRECTORY.flag());
        refuseFlag(
                Knob.ENABLE_PROXY,
                false,
                "captured connections would find nobody; remove it, and do not enrol pods that are to be left alone");
        refuseFlag(
                Knob.ENABLE_SOCKS5,
                true,
                "there is no SOCKS5 listener; remove it, connections are captured as they are");
        refuseFlag(Knob.TLS12_ENABLED, true, "tunnels are TLS 1.3 only; remove it and upgrade peers that cannot do it");
    }

    private void refuseText(Knob knob, String why) {
        if (!reader.text(knob).isEmpty()) {
            reader.problem(knob, why);
        }
    }

    private void refuseFlag(Knob knob, boolean refused, String why) {
        int before = reader.problems();
        if (reader.bool(knob) == refused && reader.problems() == before) {
            reader.problem(knob, why);
        }
    }
}
