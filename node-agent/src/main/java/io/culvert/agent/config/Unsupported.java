package io.culvert.agent.config;

/** Refuses what other agents can be told and this one cannot do, rather than to leave it out in silence. */
final class Unsupported {
    private final SettingReader reader;

    Unsupported(SettingReader reader) {
        this.reader = reader;
    }

    void refuse() {
        if (reader.bool(Knob.FAKE_CA)) {
            reader.problem(
                    Knob.FAKE_CA,
                    "asks for certificates that nobody vouches for, which this agent never makes; name an authority with "
                            + Knob.CA_ADDRESS.environment().getFirst()
                            + ", or make one with `culvert-agent ca init` and give "
                            + Knob.CA_DIRECTORY.flag());
        }
    }
}
