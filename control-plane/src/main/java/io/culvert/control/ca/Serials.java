package io.culvert.control.ca;

import java.math.BigInteger;
import java.security.SecureRandom;

/**
 * Serial numbers that nobody can guess and that never repeat in practice.
 *
 * <p>Bounds: positive, below 2^127, so 16 octets in DER with the sign bit clear; RFC 5280 allows 20.
 */
final class Serials {
    private static final int BITS = 127;
    private static final BigInteger LEAST = BigInteger.ONE.shiftLeft(64);

    private Serials() {}

    static BigInteger next(SecureRandom random) {
        BigInteger serial = new BigInteger(BITS, random);
        return serial.compareTo(LEAST) < 0 ? serial.setBit(BITS - 1) : serial;
    }
}
