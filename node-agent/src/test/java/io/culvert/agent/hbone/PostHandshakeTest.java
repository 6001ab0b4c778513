package io.culvert.agent.hbone;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PostHandshakeTest {
    private static PostHandshake.Meaning take(PostHandshake messages, int... octets) {
        byte[] bytes = new byte[octets.length];
        for (int i = 0; i < octets.length; i++) {
            bytes[i] = (byte) octets[i];
        }
        return messages.take(bytes, bytes.length);
    }

    @Test
    void skipsTickets_inWhateverPieces() {
        PostHandshake messages = new PostHandshake(true);
        assertEquals(PostHandshake.Meaning.GO_ON, take(messages, 4, 0));
        assertEquals(PostHandshake.Meaning.GO_ON, take(messages, 1, 2));
        for (int i = 0; i < 257; i++) {
            assertEquals(PostHandshake.Meaning.GO_ON, take(messages, 24));
        }
        assertEquals(PostHandshake.Meaning.GO_ON, take(messages, 24, 4, 0, 0, 1, 9));
        assertEquals(PostHandshake.Meaning.KEY_UPDATE, take(messages, 24, 0, 0, 1, 0));
        assertEquals(PostHandshake.Meaning.KEY_UPDATE_REQUESTED, take(messages, 24, 0, 0, 1, 1));
    }

    @Test
    void readsItsOwnKeyUpdate() {
        PostHandshake messages = new PostHandshake(false);
        byte[] said = PostHandshake.keyUpdate();
        assertEquals(PostHandshake.Meaning.KEY_UPDATE, messages.take(said, said.length));
        for (int i = 0; i < said.length - 1; i++) {
            assertEquals(PostHandshake.Meaning.GO_ON, take(messages, said[i]));
        }
        assertEquals(PostHandshake.Meaning.KEY_UPDATE, take(messages, said[said.length - 1]));
    }

    @Test
    void takesNothingElse() {
        assertEquals(PostHandshake.Meaning.UNEXPECTED, take(new PostHandshake(false), 4, 0, 0, 1, 1));
        assertEquals(PostHandshake.Meaning.UNEXPECTED, take(new PostHandshake(true), 4, 0, 0, 0));
        assertEquals(PostHandshake.Meaning.UNEXPECTED, take(new PostHandshake(true), 4, 2, 0, 1));
        assertEquals(PostHandshake.Meaning.UNEXPECTED, take(new PostHandshake(true), 13, 0, 0, 1));
        assertEquals(PostHandshake.Meaning.UNEXPECTED, take(new PostHandshake(true), 24, 0, 0, 2));
        assertEquals(PostHandshake.Meaning.UNEXPECTED, take(new PostHandshake(true), 24, 0, 0, 1, 2));
        assertEquals(
                PostHandshake.Meaning.UNEXPECTED,
                take(new PostHandshake(true), 24, 0, 0, 1, 0, 4),
                "nothing may follow under the old keys");
    }
}
