@NullMarked
package io.culvert.protocol.socks;

import org.jspecify.annotations.NullMarked;
