//! What Spark reads tables on S3 with: Hadoop's client, and of Amazon's SDK the modules that it takes, with their checksums.
//!
//! Hadoop itself names the SDK as one bundle of 558 MB. These are its modules for S3 of one version without those that Spark has
//! among its jars (Netty, Apache's HTTP client, Jackson).

use super::super::pinned::Artifact;
use crate::protocol::units::Bytes;

/// Of the version of Hadoop that Spark 4.0.1 has.
pub(super) const HADOOP_4_0: &str = "3.4.1";
/// Of Amazon's SDK: that of Hadoop 3.4.2, since not all modules of the version before, which 3.4.1 names, are to be had.
pub(super) const SDK: &str = "2.29.52";

const fn other(
    group: &'static str,
    name: &'static str,
    version: &'static str,
    bytes: u64,
    sha256: &'static str,
) -> Artifact {
    Artifact { group, name, version, extension: "jar", sha256, bytes: Bytes(bytes) }
}

const fn sdk(name: &'static str, bytes: u64, sha256: &'static str) -> Artifact {
    other("software.amazon.awssdk", name, SDK, bytes, sha256)
}

/// For Spark 4.0.
#[rustfmt::skip]
pub(super) const S3_4_0: [Artifact; 33] = [
    other("software.amazon.eventstream", "eventstream", "1.0.1", 30_193, "0c37d8e696117f02c302191b8110b0d0eb20fa412fce34c3a269ec73c16ce822"),
    other("org.apache.hadoop", "hadoop-aws", HADOOP_4_0, 865_554, "01334a07e179cae2b7e251f24857f11e3759108c9d6a79dcbe362a4295227da2"),
    other("org.reactivestreams", "reactive-streams", "1.0.4", 11_640, "f75ca597789b3dac58f61857b9ac2e1034a68fa672db35055a8fb4509e325f28"),
    sdk("annotations", 13_763, "8cd8bd8afd7eca5a367f69fd87427f6d9f3e7d359962122da24d71f1963f00cd"),
    sdk("apache-client", 77_005, "c96494be30ecac6f0ab7a35fdd91a4c77ca8a5daf62f3d9d84644ef0f0524dc6"),
    sdk("arns", 15_823, "f5a4d1d9b4e4fc63c9bda49bcf1c59d23fd876b276c6b43aaca12969337303a6"),
    sdk("auth", 234_084, "4d8143b6198dc7a530c2ccdd813129c132b96736086c0d4fea85480b9bdbc5fe"),
    sdk("aws-core", 180_664, "eb560c064fbaac7e2e7f4a77ac343d3083bea0d7f6e2c69ba022d3f3e859be90"),
    sdk("aws-query-protocol", 69_396, "1b117672963ee5059c45f2aadb110f191b578d108d8f08d7c7a59e6c0b098a8e"),
    sdk("aws-xml-protocol", 102_275, "daf87b429373ad586d165003b5b1d4fe498c6472eb65ec9a9e2aa7d56f3917dd"),
    sdk("checksums", 69_428, "bca99ff25c9b917d6be03e5dce78ad5328e7dca485e96024fa8476e4192a800a"),
    sdk("checksums-spi", 8_046, "21193b9b648843dcaff493f0dd80abab9ee6871b203b9218120554698d8f7b8a"),
    sdk("crt-core", 17_776, "4e1f33de21b688695fec91b977ddfa99e9d376edcbad06a62b0c138c60b37de4"),
    sdk("endpoints-spi", 13_171, "e54f246c668d70b55cffe0c8fad18d4465e74e22db75139918bd30610093d1e6"),
    sdk("http-auth", 17_475, "d8aa3bd376aaec7196396e65fe8755f1fdd169e51357f8128ecdc7d23a687450"),
    sdk("http-auth-aws", 158_970, "7ae124e81ac0c2860bb61fdde34a388dbe823fef8509dd46a6bec805ada90308"),
    sdk("http-auth-aws-eventstream", 8_707, "565a4aacce955c5ffaed551f6faaaa958e9e92b2f8514c8482f664edb2bab576"),
    sdk("http-auth-spi", 45_764, "7a2168c5a7baa856d7ae9f9c4f7522d2db9f1361108c38f5b6ece66f249e6a2d"),
    sdk("http-client-spi", 87_344, "8ea61ce3b527779fbfe119e0775c4b7cfdf274a979b1e50596a634685a5b6542"),
    sdk("identity-spi", 30_965, "85104635abf9e5c044aaf7f8951b63efc2ef82051b5ee303571ee2e1fd8b46d0"),
    sdk("json-utils", 33_224, "2652cdb3668311bcff6e643c8612b9fea266423ae1ce33743c84dd7f77904311"),
    sdk("metrics-spi", 27_264, "1db2e3da338148ee40a716e1733c9a5b99e9e6daa4db3aa8bd7e718adafa2510"),
    sdk("netty-nio-client", 287_867, "07238668c9cf54531ee269fd6e2a1e2650fb75d6774d401f406c2a14f26af654"),
    sdk("profiles", 49_837, "fef84619d101838ba45f48d0caddb09a85d9ed8bf869095bd7d2064796856cf7"),
    sdk("protocol-core", 44_336, "7b32e41a3743b422d2edec1670f60b4c1e512fcd5ab7a53fef20742d6b9104d1"),
    sdk("regions", 904_015, "5ee0e26277c679ffa70d83923b0d5f77a53066ecde8610f28be1856947d60eaf"),
    sdk("retries", 66_310, "ca3752ba31399721980c6398992921ff5aa164e084b4c14484333df58c76a353"),
    sdk("retries-spi", 31_489, "a4218ea742fc9e07a620629d7a258bfd92b8ea3ef75f1b99193d0898ca3efe99"),
    sdk("s3", 3_835_574, "abaedea7e68063e9c4ab090f80d14b9884c57b50953bfe6e5acaa23025609efa"),
    sdk("s3-transfer-manager", 249_191, "0c9e654637247187a7e2494eb7a8799477a772a7d554cd3ae787cd3e3bae3c55"),
    sdk("sdk-core", 977_550, "ea8e9856569f85075a8a806d0481c4bd848c98b24fd6d706fc0b5883fc4604dc"),
    sdk("third-party-jackson-core", 535_001, "eaece3eb60beb8ec09d8a4f48d5bff4110010b03cc23688bdcf2af2eb075cac6"),
    sdk("utils", 226_880, "f150a38f2fec14ced2de6459bfe804f647c88baa573b218646ef89b436a29d42"),
];
