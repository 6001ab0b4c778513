/** Tests of the messages that are generated from the wire's definitions. */
@NullMarked
package io.culvert.protocol.wire;

import org.jspecify.annotations.NullMarked;
