package io.culvert.protocol.hbone.hpack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The vectors are those of RFC 7541, Appendix C. */
class HpackTest {
    private static final String TABLE_OF_256 = "3fe101";

    private final HpackDecoder decoder = new HpackDecoder(16_384);

    private static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.replace(" ", ""));
    }

    private List<String> decode(String digits) throws HpackException {
        byte[] block = hex(digits);
        List<String> fields = new ArrayList<>();
        assertTrue(decoder.decode(block, 0, block.length, (name, value) -> fields.add(name + ": " + value)));
        return fields;
    }

    private String refusal(String digits) {
        HpackException e = assertThrows(HpackException.class, () -> decode(digits));
        return String.valueOf(e.getMessage());
    }

    @Test
    void decodesSingleFields() throws HpackException {
        assertEquals(
                List.of("custom-key: custom-header"),
                decode("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"));
        assertEquals(55, decoder.tableBytes());
        assertEquals(List.of(":path: /sample/path"), decode("040c 2f73 616d 706c 652f 7061 7468"));
        assertEquals(List.of("password: secret"), decode("1008 7061 7373 776f 7264 0673 6563 7265 74"));
        assertEquals(List.of(":method: GET"), decode("82"));
        assertEquals(55, decoder.tableBytes());
    }

    @ParameterizedTest
    @CsvSource({
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d, 8286 84be 5808 6e6f 2d63 6163 6865,"
                + " 8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff, 8286 84be 5886 a8eb 1064 9cbf,"
                + " 8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"
    })
    void decodesThreeRequestsInARow(String first, String second, String third) throws HpackException {
        assertEquals(
                List.of(":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"), decode(first));
        assertEquals(57, decoder.tableBytes());
        assertEquals(
                List.of(
                        ":method: GET",
                        ":scheme: http",
                        ":path: /",
                        ":authority: www.example.com",
                        "cache-control: no-cache"),
                decode(second));
        assertEquals(110, decoder.tableBytes());
        assertEquals(
                List.of(
                        ":method: GET",
                        ":scheme: https",
                        ":path: /index.html",
                        ":authority: www.example.com",
                        "custom-key: custom-value"),
                decode(third));
        assertEquals(164, decoder.tableBytes());
    }

    @ParameterizedTest
    @CsvSource({
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d"
                + " 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d, 4803 3330 37c1 c0bf, 88c1 611d"
                + " 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738"
                + " 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61"
                + " 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7"
                + " 8f0b 97c8 e9ae 82ae 43d3, 4883 640e ffc1 c0bf, 88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166"
                + " e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1"
                + " ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07"
    })
    void evictsAsItDecodesThreeResponsesInARow(String first, String second, String third) throws HpackException {
        decoder.limitTable(256);
        assertEquals(
                List.of(
                        ":status: 302",
                        "cache-control: private",
                        "date: Mon, 21 Oct 2013 20:13:21 GMT",
                        "location: https://www.example.com"),
                decode(TABLE_OF_256 + first));
        assertEquals(222, decoder.tableBytes());
        assertEquals(
                List.of(
                        ":status: 307",
                        "cache-control: private",
                        "date: Mon, 21 Oct 2013 20:13:21 GMT",
                        "location: https://www.example.com"),
                decode(second));
        assertEquals(222, decoder.tableBytes());
        assertEquals(
                List.of(
                        ":status: 200",
                        "cache-control: private",
                        "date: Mon, 21 Oct 2013 20:13:22 GMT",
                        "location: https://www.example.com",
                        "content-encoding: gzip",
                        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
                decode(third));
        assertEquals(215, decoder.tableBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"80", "be", "ff80808001", "7f00"})
    void refusesAnIndexThatNamesNothing(String digits) {
        assertEquals("no header field has this index", refusal(digits));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ffffffffffff0f", "7f8080808080808000", "3fffffffff7f", "007fffffffffff01"})
    void refusesIntegersOfMoreThan28Bits(String digits) {
        assertEquals("integer is longer than 28 bits", refusal(digits));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ff", "40", "4001", "400161", "40016101", "000161", "7f", "3f"})
    void refusesABlockThatEndsInsideAField(String digits) {
        assertThrows(HpackException.class, () -> decode(digits));
    }

    @ParameterizedTest
    @CsvSource({
        // One symbol and nine ones; one symbol and zeros; the end-of-string code; eight ones alone.
        "000161 82 1fff, padded",
        "000161 81 18, padded",
        "000161 84ffffffff, end-of-string",
        "000161 81ff, padded"
    })
    void refusesHuffmanStringsThatEndWrongly(String digits, String detail) {
        assertTrue(refusal(digits).contains(detail));
    }

    @Test
    void refusesTableSizesPastTheLimit_orInTheMiddle_orMissingAfterAReduction() throws HpackException {
        assertEquals("dynamic table size update past the limit", refusal("3fe21f"));
        assertEquals("dynamic table size update inside a block", refusal("8220"));
        decode("3fe11f");
        decoder.limitTable(100);
        assertEquals("dynamic table size update is missing after a reduction", refusal("82"));
        assertEquals(List.of(":method: GET"), decode("20 3f45 82"));
    }

    @Test
    void keepsTheTableRight_whenTheListIsTooLong() throws HpackException {
        HpackDecoder small = new HpackDecoder(100);
        List<String> seen = new ArrayList<>();
        HpackEncoder encoder = new HpackEncoder();
        encoder.begin();
        encoder.add("a", "x".repeat(60));
        byte[] block = Arrays.copyOf(encoder.block(), encoder.length() + 5);
        System.arraycopy(hex("4001620163"), 0, block, encoder.length(), 5);
        assertFalse(small.decode(block, 0, block.length, (name, value) -> seen.add(name)));
        assertEquals(List.of("a"), seen);
        assertTrue(small.decode(hex("be"), 0, 1, (name, value) -> seen.add(name + value)));
        assertEquals(List.of("a", "bc"), seen);
    }

    @Test
    void neverHoldsMoreThanTheTableAllows_howeverOftenItGrows() throws HpackException {
        HpackEncoder encoder = new HpackEncoder();
        encoder.begin();
        encoder.add("a", "v".repeat(3000));
        byte[] block = Arrays.copyOf(encoder.block(), encoder.length());
        block[0] = 0x40;
        for (int i = 0; i < 100; i++) {
            decoder.decode(block, 0, block.length, (name, value) -> {});
            assertEquals(3033, decoder.tableBytes());
        }
    }

    @Test
    void encodesByStaticIndexOrPlainLiteral() {
        HpackEncoder encoder = new HpackEncoder();
        encoder.begin();
        encoder.add(":status", "200");
        encoder.add(":method", "CONNECT");
        encoder.add("ab", "c");
        assertArrayEquals(
                hex("88 0207 434f4e4e454354 00 026162 0163"), Arrays.copyOf(encoder.block(), encoder.length()));
    }

    @Test
    void acknowledgesASmallerTableOnce() {
        HpackEncoder encoder = new HpackEncoder();
        encoder.limitTable(8192);
        encoder.begin();
        assertEquals(0, encoder.length());
        encoder.limitTable(100);
        encoder.limitTable(4096);
        encoder.begin();
        assertArrayEquals(hex("3f45"), Arrays.copyOf(encoder.block(), encoder.length()));
        encoder.begin();
        assertEquals(0, encoder.length());
    }
}
