package io.culvert.agent.config;

/** Refuses what other agents can be told and this one cannot do, rather than to leave it out in silence. */
final class Unsupported {
    private final SettingReader reader;

    Unsupported(SettingReader reader) {
        this.reader = reader;
    }

    void refuse() {
        refuseText(Knob.COMPLIANCE_POLICY, "the groups and ciphers of tunnels cannot be narrowed; remove it");
        refuseFlag(
                Knob.FAKE_CA,
                true,
                "asks for certificates that nobody vouches for, which this agent never makes; name an authority with "
                        + Knob.CA_ADDRESS.environment().getFirst()
                        + ", or make one with `culvert-agent ca init` and give "
                        + Knob.CA_DIRECTORY.flag());
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
