// SPDX-License-Identifier: Apache-2.0
// java TrustStore.java BUNDLE STORE: what curl and git trust (a file of PEM), as a store that the JVM reads, so that a machine's own
// authorities count in builds, too.
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;

class TrustStore {
	public static void main(String[] args) throws Exception {
		KeyStore store = KeyStore.getInstance("PKCS12");
		int number = 0;

		store.load(null, null);
		try (FileInputStream in = new FileInputStream(args[0])) {
			for (Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(in))
				store.setCertificateEntry("authority-" + number++, c);
		}
		try (FileOutputStream out = new FileOutputStream(args[1])) {
			store.store(out, "changeit".toCharArray());
		}
	}
}
