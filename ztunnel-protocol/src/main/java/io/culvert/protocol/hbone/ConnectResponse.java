package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/**
 * The answer to a CONNECT.
 *
 * @param status 200 to 599; the connection stands only with exactly 200
 * @param baggage what the destination says of itself, at most {@link ConnectRequest#BAGGAGE_CHARS_MAX}
 */
public record ConnectResponse(int status, @Nullable String baggage) {
    /** Says whether the connection stands. */
    public boolean isConnected() {
        return status == 200;
    }
}
